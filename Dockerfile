# The build stage runs on the platform of the build machine: cross-compiling is faster than building in an emulator.
FROM --platform=$BUILDPLATFORM golang:1.26.8-alpine3.24@sha256:8ac98ca534ac3f51e1f420a1dd2c15e74c75cfa0f23f3ad27eb5d7236c349a0c AS build
WORKDIR /src
COPY . .
ARG TARGETOS TARGETARCH TARGETPLATFORM
ARG VERSION REVISION BRANCH BUILD_USER BUILD_DATE
# For a release, the build context contains the binary, so that the image has exactly the file that is in the archives
# and was attested. Otherwise the binary is built here from source.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    mkdir /out && \
    if [ -e "$TARGETPLATFORM/igsend_exporter" ]; then \
      cp "$TARGETPLATFORM/igsend_exporter" /out/; \
    else \
      v=github.com/prometheus/common/version && \
      CGO_ENABLED=0 GOOS="$TARGETOS" GOARCH="$TARGETARCH" go build -trimpath -buildvcs=false -o /out/ -ldflags "-s -w \
        -X $v.Version=$VERSION -X $v.Revision=$REVISION -X $v.Branch=$BRANCH \
        -X $v.BuildUser=$BUILD_USER -X $v.BuildDate=$BUILD_DATE" .; \
    fi

FROM scratch
LABEL org.opencontainers.image.title="igsend_exporter" \
      org.opencontainers.image.description="Prometheus exporter for the balances of client accounts at IGSend" \
      org.opencontainers.image.source="https://github.com/igsend-exporter/igsend_exporter" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/igsend_exporter /igsend_exporter
# By number, because Kubernetes can't tell whether a user name is root.
USER 65532:65532
EXPOSE 10045
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s --retries=3 CMD ["/igsend_exporter", "healthcheck"]
ENTRYPOINT ["/igsend_exporter"]
CMD ["--config.file=/etc/igsend_exporter/igsend.yml"]
