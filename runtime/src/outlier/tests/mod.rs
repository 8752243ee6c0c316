//! Every number of gRFC A50, and ours.
