# What the scripts share. To be sourced.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Prints one sentence and ends.
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}

# Prints the script's own opening comment and ends, if asked to.
help_if_asked() {
  case "${1:-}" in
    -h | --help)
      sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$0"
      exit 0
      ;;
  esac
}

# Installs those of the named Debian packages that are missing.
need_packages() {
  local missing=() package sudo=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' \
      || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null \
    || fail "these Debian packages are needed, and there is no apt-get: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run this as root: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  echo "installing ${missing[*]}" >&2
  {
    "${sudo[@]}" apt-get update -q || true
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy \
      --no-install-recommends "${missing[@]}"
  } >&2 || fail "apt-get could not install: ${missing[*]}"
}

# Checks for Swift 6.3, whose @c functions the plugin's entry points are.
need_swift() {
  command -v swift >/dev/null \
    || fail "Swift is missing; install Swift 6.3 or newer from https://www.swift.org/install/"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
  [ "$(printf '%s\n' 6.3 "$version" | sort -V | head -1)" = 6.3 ] \
    || fail "Swift ${version:-of unknown version} is too old; install 6.3 or newer from https://www.swift.org/install/"
}

# What building takes.
need_to_build() {
  need_swift
  need_packages libcurl4-openssl-dev libexpat1-dev libmosquitto-dev libqrencode-dev libsodium-dev \
    libsqlite3-dev libssl-dev libtomlplusplus-dev mosquitto-dev pkg-config
}
