//! How calls are spread over subchannels: each number of gRFC A42, A48, A58, A62,
//! A68 and A100 that a balancer promises to keep.

mod least_request;
mod load;
mod pick_first;
mod ring_hash;
mod round_robin;
mod slow_start;
mod subset;
mod support;
mod weighted_round_robin;
mod zone_aware;
