//! The generator as a plugin of protoc and buf: `protoc-gen-cordial`.
