# The images of all processes, a target each: api, runtime-manager, mailer, notifier, push-hub, gateway; and engine (the
# reference engine) and inbox (a mail catcher for trials). docs/deploy.md says how they are put together.
#
# Needs BuildKit. Base images are arguments: rust and runtime must be of one release of Debian (the programs use its libc).
ARG RUST_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
# built: compile here. prebuilt: take the programs from the directory prebuilt/ of the context.
ARG BINARIES=built

# Everything that third-party crates are chosen by, and nothing else: it stays the same while sources change.
FROM ${RUST_IMAGE} AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path './*/main.rs' ! -path './*/lib.rs' ! -name build.rs -delete \
 && find . -type f -name '*.rs' -exec sh -c 'for file; do echo "fn main() { }" > "$file"; done' sh {} +

# Third-party crates, compiled for empty programs.
FROM ${RUST_IMAGE} AS dependencies
# A profile of cargo; dev compiles faster, its programs are larger and slower.
ARG PROFILE=dist
ARG PACKAGES="-p galaxy-api -p galaxy-runtime-manager -p galaxy-mailer -p galaxy-notifier -p galaxy-push-hub -p galaxy-gateway -p galaxy-stack"
ENV SQLX_OFFLINE=true
WORKDIR /src
COPY --from=manifests /src .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    cargo build --locked --profile "$PROFILE" $PACKAGES --bins \
 && RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --profile "$PROFILE" -p galaxy-engine --bin engine \
      --target "$(rustc -vV | sed -n 's/^host: //p')" --target-dir target/static

FROM dependencies AS built
COPY . .
# The sources are newer than the empty programs, whatever the checkout's dates say.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    find . -name '*.rs' -not -path './target/*' -exec touch {} + \
 && cargo build --locked --profile "$PROFILE" $PACKAGES --bins \
 && RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --profile "$PROFILE" -p galaxy-engine --bin engine \
      --target "$(rustc -vV | sed -n 's/^host: //p')" --target-dir target/static \
 && mkdir -p /prebuilt/secrets /prebuilt/state \
 && dir="$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")" \
 && cd target && install -s "$dir"/api "$dir"/runtime-manager "$dir"/mailer "$dir"/notifier "$dir"/push-hub "$dir"/gateway \
      "$dir"/inbox static/*/"$dir"/engine /prebuilt/

FROM scratch AS prebuilt
COPY prebuilt/ /prebuilt/

FROM ${BINARIES} AS binaries

FROM ${RUNTIME_IMAGE} AS process
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Galaxy" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
# Operations: /healthz, /readyz, /metrics.
EXPOSE 9090

FROM process AS api
LABEL org.opencontainers.image.title="galaxy-api"
COPY --from=binaries /prebuilt/api /usr/bin/api
# A new volume mounted there takes its owner from this directory: `api init-secrets /secrets` writes into it.
COPY --from=binaries --chown=65532:0 /prebuilt/secrets/ /secrets/backend/
COPY --from=binaries --chown=65532:0 /prebuilt/secrets/ /secrets/gateway/
COPY --from=binaries --chown=65532:0 /prebuilt/secrets/ /secrets/owner/
COPY --from=binaries --chown=65532:0 /prebuilt/secrets/ /secrets/postgres/
COPY --from=binaries --chown=65532:0 /prebuilt/secrets/ /secrets/nats/
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=8s --start-period=60s CMD ["/usr/bin/api", "healthcheck"]
ENTRYPOINT ["/usr/bin/api"]

FROM process AS runtime-manager
LABEL org.opencontainers.image.title="galaxy-runtime-manager"
COPY --from=binaries /prebuilt/runtime-manager /usr/bin/runtime-manager
HEALTHCHECK --interval=5s --timeout=8s --start-period=60s CMD ["/usr/bin/runtime-manager", "healthcheck"]
ENTRYPOINT ["/usr/bin/runtime-manager"]

FROM process AS mailer
LABEL org.opencontainers.image.title="galaxy-mailer"
COPY --from=binaries /prebuilt/mailer /usr/bin/mailer
HEALTHCHECK --interval=5s --timeout=8s --start-period=60s CMD ["/usr/bin/mailer", "healthcheck"]
ENTRYPOINT ["/usr/bin/mailer"]

FROM process AS notifier
LABEL org.opencontainers.image.title="galaxy-notifier"
COPY --from=binaries /prebuilt/notifier /usr/bin/notifier
HEALTHCHECK --interval=5s --timeout=8s --start-period=60s CMD ["/usr/bin/notifier", "healthcheck"]
ENTRYPOINT ["/usr/bin/notifier"]

FROM process AS push-hub
LABEL org.opencontainers.image.title="galaxy-push-hub"
COPY --from=binaries /prebuilt/push-hub /usr/bin/push-hub
EXPOSE 8090
HEALTHCHECK --interval=5s --timeout=8s --start-period=60s CMD ["/usr/bin/push-hub", "healthcheck"]
ENTRYPOINT ["/usr/bin/push-hub"]

FROM process AS gateway
LABEL org.opencontainers.image.title="galaxy-gateway"
COPY --from=binaries /prebuilt/gateway /usr/bin/gateway
EXPOSE 8443 8000
HEALTHCHECK --interval=5s --timeout=8s --start-period=60s CMD ["/usr/bin/gateway", "healthcheck"]
ENTRYPOINT ["/usr/bin/gateway"]

# Catches mail and shows it, with Mailpit's API. For trials where Mailpit's image cannot be had; it keeps mail in memory.
FROM process AS inbox
LABEL org.opencontainers.image.title="galaxy-inbox"
COPY --from=binaries /prebuilt/inbox /usr/bin/inbox
EXPOSE 1025 8025
HEALTHCHECK --interval=5s --timeout=8s --start-period=60s CMD ["/usr/bin/inbox", "healthcheck"]
ENTRYPOINT ["/usr/bin/inbox"]

# The reference engine: one static file, as integration/engine/Dockerfile makes it for the local stack.
FROM scratch AS engine
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="galaxy-engine" \
      org.opencontainers.image.vendor="Galaxy" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=binaries /prebuilt/engine /engine
COPY --from=binaries --chown=65532:65532 /prebuilt/state/ /var/lib/galaxy/
ENV ENGINE_LISTEN_ADDR=0.0.0.0:8080 ENGINE_STATE_DIR=/var/lib/galaxy
EXPOSE 8080
VOLUME /var/lib/galaxy
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/engine", "healthcheck"]
ENTRYPOINT ["/engine"]
