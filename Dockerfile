# The gateway in a container: `docker build -t tower-lua .`
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --example gateway \
    && cp target/release/examples/gateway /gateway

FROM debian:bookworm-slim
RUN useradd --system --create-home --home-dir /var/lib/gateway gateway
COPY --from=build /gateway /usr/local/bin/gateway
USER gateway
# `gateway.db` is made here, if no other database is named.
WORKDIR /var/lib/gateway
VOLUME /var/lib/gateway
ENV KONG_PROXY_LISTEN=0.0.0.0:8000 KONG_ADMIN_LISTEN=127.0.0.1:8001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=2s --start-period=2s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8001 && printf 'GET /status/ready HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && grep -q '200 OK' <&3"]
ENTRYPOINT ["gateway"]
