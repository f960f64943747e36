# Builds and serves Pensieve on Debian 14, for systems that have neither apt nor Homebrew.
#   docker build -t pensieve .
#   docker run --rm -p 127.0.0.1:8484:8484 -v pensieve:/data \
#     -e PENSIEVE_SERVER_API_KEYS=choose-a-key pensieve
FROM debian:forky AS build
COPY toolchain/debian-packages.txt /tmp/
RUN apt-get update && \
    grep -v '^#' /tmp/debian-packages.txt | xargs apt-get install -y --no-install-recommends && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN CXX=g++-16 cmake --preset release -DPENSIEVE_TESTS=OFF -DPENSIEVE_BENCHMARKS=OFF && \
    cmake --build build/release --target pensieve

# The libraries at run time are found by their packages' names, which carry versions: the build image is kept.
FROM build
RUN install -m 755 build/release/apps/pensieve/pensieve /usr/local/bin/pensieve && rm -rf /src && useradd --create-home pensieve && \
    mkdir /data && chown pensieve /data
USER pensieve
WORKDIR /data
ENV PENSIEVE_HOME=/data PENSIEVE_SERVER_HOST=0.0.0.0
VOLUME /data
EXPOSE 8484
ENTRYPOINT ["pensieve"]
CMD ["serve"]
