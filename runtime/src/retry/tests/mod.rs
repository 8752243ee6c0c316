//! Every promise of gRFC A6, on a clock that stands still unless everybody waits.
