//! What the allocator does with the buffers of many replies at once.

/// glibc gives memory back to the kernel as soon as 128 KiB at the end of a heap
/// are free, and asks for it again with the next replies: a page fault for every
/// 4 KiB. It learns from the first large buffer that is freed (`mallopt(3)`, "the
/// dynamic mmap threshold") and keeps twice as much from then on. A server that
/// has not yet seen a large message has it learn here. The buffer is never touched,
/// so it takes no memory; other allocators take no notice.
pub(crate) fn teach_malloc() {
    const BUFFER_BYTES: usize = 8 << 20;
    drop(std::hint::black_box(vec![0u8; BUFFER_BYTES]));
}
