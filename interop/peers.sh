# Where the peers come from, and how each is started; `run` reads this.

grpc_go_version=v1.85.0
binaries=${CARGO_TARGET_DIR:-$root/target}/debug

# The paths of our own and of grpc-go's binaries.
ours() { echo "$binaries/$1"; }
grpc_go() { echo "$cache/grpc-go-$grpc_go_version/$1"; }

# Replaces the shell it runs in, so that its pid is Python's.
grpcio() {
  script=$1
  shift
  PYTHONDONTWRITEBYTECODE=1 INTEROP_STUBS="$cache/stubs" \
    exec "$cache/grpcio/bin/python" "$here/grpcio/$script" "$@"
}

# It says where it listens only in its log.
start_grpc_go() {
  start_server env GRPC_GO_LOG_SEVERITY_LEVEL=info "$(grpc_go server)" --port=0 $server_tls
}

install_grpc_go() {
  folder=$cache/grpc-go-$grpc_go_version
  if [ -x "$folder/client" ] && [ -x "$folder/server" ]; then return; fi
  mkdir -p "$folder"
  echo "run: building grpc-go $grpc_go_version"
  for side in client server; do
    (cd "$folder" && GOBIN=$folder go install "google.golang.org/grpc/interop/$side@$grpc_go_version")
  done
}

install_grpcio() {
  folder=$cache/grpcio
  if cmp -s "$here/grpcio/requirements.txt" "$folder/requirements.txt"; then return; fi
  echo "run: installing grpcio"
  python3 -m venv --clear "$folder"
  "$folder/bin/pip" install --quiet --requirement "$here/grpcio/requirements.txt"
  cp "$here/grpcio/requirements.txt" "$folder/requirements.txt"
}

# Builds and installs what the pairs need, and sets the flags for TLS.
prepare() {
  mkdir -p "$cache"
  case $pairs in *grpc-go*|*peers*) install_grpc_go ;; esac
  case $pairs in *grpcio*|*peers*) install_grpcio ;; esac
  # Not release: on two cores it saves 6 s of running and costs 180 s of building.
  (cd "$root" && cargo build --quiet --package interop --bins)
  client_tls=
  checks_tls=
  server_tls=
  server_certificates=
  if [ -n "$tls" ]; then
    "$(ours certificates)" "$cache/certificates"
    client_tls="--use_tls=true --use_test_ca=true --ca_file=$cache/certificates/ca.pem"
    client_tls="$client_tls --server_host_override=foo.test.google.fr"
    checks_tls="--ca_file=$cache/certificates/ca.pem --server_host_override=foo.test.google.fr"
    server_certificates="--tls_cert_file=$cache/certificates/server.pem"
    server_certificates="$server_certificates --tls_key_file=$cache/certificates/server.key"
    stranger_tls=$client_tls
    if [ -n "$mtls" ]; then
      own="--tls_cert_file=$cache/certificates/client.pem"
      own="$own --tls_key_file=$cache/certificates/client.key"
      client_tls="$client_tls $own"
      checks_tls="$checks_tls $own"
      server_certificates="$server_certificates --client_ca_file=$cache/certificates/ca.pem"
    fi
    server_tls="--use_tls=true $server_certificates"
  fi
}
