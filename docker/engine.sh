# shellcheck shell=bash
# Docker for ./dev: an engine, compose, a base image, and the images. Sourced by it.

DOCKER_PACKAGES=(docker.io iptables docker-compose)
BASE_PACKAGES=(debootstrap)
PUBLIC_BASE=debian:bookworm-slim
OWN_BASE=gslbd-base:bookworm

engine_pid=

end_engine() {
  if [[ -n $engine_pid ]]; then
    kill "$engine_pid" 2>/dev/null || true
    wait "$engine_pid" 2>/dev/null || true
  fi
}

# Uses the engine that runs, or starts one for as long as this command. Tells why not.
need_engine() {
  local problem
  if ! problem=$(docker info 2>&1 >/dev/null); then
    if [[ $problem == *"permission denied"* ]]; then
      echo "this user may not use the Docker engine: join the group docker, or run as root" >&2
      return 1
    fi
    if [[ $(id -u) != 0 ]]; then
      echo "no Docker engine answers, and only root can start one here" >&2
      return 1
    fi
    if ! command -v dockerd >/dev/null; then
      need "${DOCKER_PACKAGES[@]}" || return
    fi
    local log
    log=$(mktemp)
    dockerd >"$log" 2>&1 &
    engine_pid=$!
    trap end_engine EXIT
    local tries=100
    until docker info >/dev/null 2>&1; do
      if ! kill -0 "$engine_pid" 2>/dev/null || ((--tries == 0)); then
        echo "no Docker engine answers, and none can be started here:" >&2
        grep -v 'level=info' "$log" | tail -n 3 >&2
        return 1
      fi
      sleep 0.2
    done
    echo "started a Docker engine; it ends with this command"
  fi
  if docker compose version >/dev/null 2>&1; then
    COMPOSE=(docker compose)
  else
    command -v docker-compose >/dev/null || need docker-compose || return
    COMPOSE=(docker-compose)
  fi
  export GSLB_COMPOSE="${COMPOSE[*]}"
}

make_base() {
  need "${BASE_PACKAGES[@]}"
  as_root docker/base.sh "$OWN_BASE"
}

# Sets BASE, unless it is: the public image, or our own where that cannot be pulled.
choose_base() {
  if [[ -z ${BASE:-} ]]; then
    if docker image inspect "$PUBLIC_BASE" >/dev/null 2>&1 ||
      timeout 60 docker pull -q "$PUBLIC_BASE" >/dev/null 2>&1; then
      BASE=$PUBLIC_BASE
    else
      BASE=$OWN_BASE
      docker image inspect "$BASE" >/dev/null 2>&1 || make_base
    fi
  fi
  export BASE BUILD_NETWORK=host
  echo "base image: $BASE"
}

# build_image DOCKERFILE IMAGE CONTEXT [OPTION...]
build_image() {
  docker build --network host --build-arg "BASE=$BASE" -f "$1" -t "$2" "${@:4}" "$3"
}

build_gslbd_image() {
  build_image docker/Dockerfile gslbd:latest . \
    --build-arg "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)" \
    --build-arg "REVISION=$(git rev-parse HEAD)" \
    --build-arg "VERSION=$(sed -n 's/^project(gslbd VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)"
}

# pack_gslbd_image BUILD: likewise from a build on this machine, which must be a Debian 12. For
# continuous integration, where there is no time to compile once more.
pack_gslbd_image() {
  local folder
  folder=$(mktemp -d)
  DESTDIR="$folder/installed" cmake --install "$1" --strip >/dev/null
  as_root docker/make-root.sh "$folder/installed" "$folder/root" 0
  # What the Dockerfile says of the image.
  local changes=() line
  while read -r line; do
    changes+=(--change "$line")
  done < <(sed -n '/^USER/,$p' docker/Dockerfile)
  as_root tar -C "$folder/root" -c . | docker import "${changes[@]}" - gslbd:latest >/dev/null
  as_root rm -rf "$folder"
}

build_lab_image() { build_image docker/lab/Dockerfile gslbd-lab:latest docker/lab; }

estate() { "${COMPOSE[@]}" -p gslbd -f docker/compose.yml "$@"; }
