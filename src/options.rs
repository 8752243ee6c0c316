//! The types of cordial's own `.proto` files.

/// What a `.proto` says of a method's calls: the options of `cordial/v1/options.proto`.
///
/// [`MethodPolicy::of`](crate::MethodPolicy::of) reads what holds for a method,
/// its service's default included. Here are the options as they are written:
///
/// ```
/// use cordial::v1::{POLICY, Priority};
///
/// let method: cordial::Method = cordial::Method::unary("/bank.v1.Accounts/Withdraw")
///     .options(b"\x8A\xA2%\x020\x03");
/// let policy = method.option(POLICY).expect("the option");
/// assert_eq!(policy.priority(), Priority::Critical);
/// ```
pub mod v1 {
    crate::include_protos!("cordial.v1");
}
