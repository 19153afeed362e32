#!/usr/bin/env bash
# Makes a folder in which another processor's Python runs LiteRT: Debian for aarch64, its packages
# unpacked and no more, with wheels for aarch64. Some 400 MB; a minute. As root on Debian or Ubuntu:
#
#   benchmarks/aarch64/setup.sh build/aarch64
#
# Emulated by qemu-aarch64, whose packages it installs. LiteRT stays at 1.4: that of 2.3 crashes
# under QEMU 7.2 when an interpreter is made.
set -euo pipefail
root=${1:?"usage: setup.sh FOLDER"}
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

[[ $(id -u) == 0 ]] || { echo "setup.sh: debootstrap needs root: sudo $0 $root" >&2; exit 1; }
if ! { command -v qemu-aarch64 && command -v debootstrap && command -v gcc; } >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends qemu-user debootstrap gcc libc6-dev >/dev/null
fi
rm -rf "$root"
mkdir -p "$root"
debootstrap --arch=arm64 --foreign --variant=minbase --include=python3 bookworm "$root" >/dev/null
for package in "$root"/var/cache/apt/archives/*.deb; do
  dpkg-deb -x "$package" "$root"
  rm "$package"
done
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --python-version 3.11 --implementation cp --platform manylinux_2_17_aarch64 \
  --platform manylinux2014_aarch64 --target "$root/site" -r "$here/requirements.txt"
gcc -shared -fPIC -O2 -Wall -Wextra -Werror -o "$root/count.so" "$here/count.c"
echo "$root: $(qemu-aarch64 -L "$root" "$root/usr/bin/python3.11" -c 'import platform; print(platform.machine())')"
