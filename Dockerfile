# A small image: the program, its libraries, and nothing else; no shell. It runs as a user without rights, and with a
# read-only root: only /data is written.
FROM rust:1.90-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin ackd && mkdir -p /out/data && cp target/release/ackd /out/

FROM gcr.io/distroless/cc-debian12
COPY --from=build /out/ackd /usr/local/bin/ackd
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV ACKD_DATA_DIR=/data
VOLUME /data
EXPOSE 5000
# Whether it lives. That it takes no clients now (a full disk) is no reason to end it: ask `ackd health` for that.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/ackd", "health", "--live"]
ENTRYPOINT ["/usr/local/bin/ackd"]
CMD ["serve"]
