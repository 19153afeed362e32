"""Timing by SSH: the whole protocol against programs that stand in for ssh, and a real server."""

import getpass
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest
from keras import layers

from tfprune.convert import to_tflite
from tfprune.errors import DataError, DeviceError
from tfprune.timing.benchmark import benchmark
from tfprune.timing.devices import Ssh, device_at
from tfprune.timing.devices.bundle import write_runner

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices are spoken to by POSIX tools")

# What ssh does, without a network: the last argument goes to a shell. The arguments are noted.
SSH = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$NOTES"
for last; do :; done
exec sh -c "$last"
"""
SCP = """\
#!/bin/sh
printf 'scp %s\\n' "$*" >> "$NOTES"
while [ $# -gt 2 ]; do shift; done
exec cp "${1#*device:}" "${2#*device:}"
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    given = keras.Input((8, 8, 2))
    model = keras.Model(given, layers.Flatten()(layers.Conv2D(4, 3)(given)))
    return to_tflite(model, tmp_path_factory.mktemp("models") / "a net.tflite").path


@pytest.fixture
def tools(tmp_path, monkeypatch) -> Path:
    """A folder of programs that is searched first, and a file of what they were asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    _program(folder / "ssh", SSH)
    _program(folder / "scp", SCP)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return folder


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _device(**more) -> Ssh:
    return Ssh("device", "pi", 2222, python=sys.executable, **more)


def test_models_are_timed_there_and_nothing_is_left(file, tools, tmp_path):
    device = _device(options=("IdentityFile=key",))
    result = benchmark([file, file], runs=2, device=device, batches=(1, 2))
    assert result.device == "ssh://pi@device:2222"
    first, second = result.rows
    assert first.macs == 6 * 6 * 4 * 9 * 2  # counted at home: the runner cannot
    assert (first.model, first.runtime) == ("a net.tflite", "LiteRT")
    assert min(first.median_ms, first.load_ms, second.median_ms) > 0
    assert [one.batch for one in first.throughput] == [1, 2]
    assert "ssh://pi@device:2222" in str(result)
    notes = (tmp_path / "notes").read_text()
    for part in ("BatchMode=yes", "IdentityFile=key", "-p 2222 pi@device", "-P 2222", "rm -rf"):
        assert part in notes
    assert not list(tmp_path.glob("tmp.*"))


def test_what_fails_there_is_told_with_the_names_from_here(file, tools, tmp_path):
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(file.read_bytes()[:600])
    with pytest.raises(DataError, match=r"cannot prepare .*cut\.tflite"):
        benchmark(cut, device=_device(), memory=False)
    assert not list(tmp_path.glob("tmp.*"))


@pytest.mark.parametrize(
    ("said", "code", "expected"),
    [
        ("ssh: Could not resolve hostname device", 255, "no host of this name"),
        ("connect to host device port 22: Connection refused", 255, "nothing listens"),
        ("ssh: connect to host device: Connection timed out", 255, "does not answer"),
        ("pi@device: Permission denied (publickey).", 255, "refuses the key"),
        ("Host key verification failed.", 255, "not known here"),
        ("sh: 1: python3: not found", 127, "there is no"),
        ("mktemp: No space left on device", 1, "disk is full"),
        ("something else", 7, "something else"),
    ],
)
def test_refusals(file, tools, said, code, expected):
    _program(tools / "ssh", f"#!/bin/sh\necho '{said}' >&2\nexit {code}\n")
    with pytest.raises(DeviceError, match=expected):
        benchmark(file, device=_device())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"version": [3, 9], "missing": []}', "found 3.9"),
        ('{"version": [3, 11], "missing": ["ai-edge-litert"]}', "pip install ai-edge-litert"),
        ("Welcome to this machine!", "cannot read its answer"),
    ],
)
def test_what_the_probe_finds(file, tools, answer, expected):
    _program(tools / "ssh", f"#!/bin/sh\necho motd\necho '{answer}'\n")
    with pytest.raises(DeviceError, match=expected):
        benchmark(file, device=_device())


def test_a_full_disk_leaves_nothing(file, tools, tmp_path):
    _program(tools / "scp", "#!/bin/sh\necho 'write: No space left on device' >&2\nexit 1\n")
    with pytest.raises(DeviceError, match="disk is full"):
        benchmark(file, device=_device())
    assert not list(tmp_path.glob("tmp.*"))


def test_no_ssh_here(file, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="install openssh-client"):
        benchmark(file, device="ssh://device")


def test_other_runtimes_stay_here(file, tools, tmp_path):
    keras.Sequential([keras.Input((2,)), layers.Dense(1)]).save(tmp_path / "m.keras")
    with pytest.raises(DataError, match="expected one of litert, litert-compiled, onnx"):
        benchmark(tmp_path / "m.keras", device="ssh://device")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ssh://host", "ssh://host"),
        ("ssh://me@host.local:22", "ssh://me@host.local:22"),
        ("ssh://[::1]:2022", "ssh://[::1]:2022"),
    ],
)
def test_addresses(address, name):
    assert device_at(address).name == name


@pytest.mark.parametrize(
    "address", ["ssh://", "ssh://-oProxy=x", "ssh://a/b", "tcp://a", "ssh://a:x"]
)
def test_no_addresses(address):
    with pytest.raises(DataError, match="expected a device"):
        device_at(address)


def test_the_runner_needs_numpy_and_litert_and_nothing_else(file, tmp_path):
    """Run by a Python that sees no site-packages but for links to what is allowed."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    for name in ("numpy", "ai_edge_litert"):
        place = Path(importlib.util.find_spec(name).origin).parent
        for one in (place, place.parent / f"{name}.libs"):
            if one.exists():
                (allowed / one.name).symlink_to(one)
    runner = write_runner(tmp_path / "runner.pyz")
    shutil.copy(file, tmp_path / "m.tflite")
    job = {"threads": 1, "runs": 1, "batches": [1], "cores": []}
    models = [{"path": "m.tflite", "runtime": "litert"}]
    (tmp_path / "job.json").write_text(json.dumps({"job": job, "models": models}))
    subprocess.run(
        [sys.executable, "-S", "-s", runner.name, "job.json", "result.json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(allowed), "PATH": os.environ["PATH"]},
        check=True,
        timeout=120,
    )
    told = json.loads((tmp_path / "result.json").read_text())
    assert told["models"][0]["turns"]["1"][0][0] > 0
    assert told["models"][0]["cold"]["first_ms"] > 0


# ---- a real server ---------------------------------------------------------------------


def _sshd() -> str | None:
    return shutil.which("sshd") or next(
        (path for path in ("/usr/sbin/sshd", "/usr/local/sbin/sshd") if Path(path).exists()), None
    )


@pytest.fixture
def server(tmp_path):
    """An SSH server on the loopback interface, with a port, keys and settings of its own."""
    if not _sshd() or not shutil.which("ssh-keygen") or not shutil.which("ssh"):
        pytest.skip("needs openssh-server")
    for name in ("host", "key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True
        )
    shutil.copy(tmp_path / "key.pub", tmp_path / "authorized")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\n"
        f"AuthorizedKeysFile {tmp_path}/authorized\nPidFile {tmp_path}/pid\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        f"Subsystem sftp internal-sftp\n"
    )
    # As root it wants this folder, which Debian's service makes.
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [_sshd(), "-D", "-e", "-f", str(tmp_path / "sshd_config")], stderr=subprocess.DEVNULL
    )
    options = (
        "IdentitiesOnly=yes",
        f"UserKnownHostsFile={tmp_path}/known",
        "StrictHostKeyChecking=accept-new",
    )
    try:
        _wait(port, process)
        yield Ssh("127.0.0.1", getpass.getuser(), port, sys.executable, options), tmp_path
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(port: int, process: subprocess.Popen) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.skip("sshd does not start here")


def test_a_real_server(server, file):
    device, folder = server
    key = f"IdentityFile={folder}/key"
    known = Ssh(device.host, device.user, device.port, device.python, (*device.options, key))
    result = benchmark(file, runs=2, device=known)
    assert result.device.endswith(f"@127.0.0.1:{device.port}")
    assert result.rows[0].median_ms > 0
    with pytest.raises(DeviceError, match="there is no /nowhere/python"):
        benchmark(
            file,
            device=Ssh(device.host, device.user, device.port, "/nowhere/python", known.options),
        )
    # The host's own key is none that it lets in.
    stranger = (*device.options, f"IdentityFile={folder}/host")
    with pytest.raises(DeviceError, match="refuses the key"):
        benchmark(file, device=Ssh(device.host, device.user, device.port, "python3", stranger))
    with pytest.raises(DeviceError, match="not known here"):
        benchmark(
            file,
            device=Ssh(
                device.host,
                device.user,
                device.port,
                device.python,
                ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={folder}/none", key),
            ),
        )


def test_nobody_listens(file):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        if not shutil.which("ssh"):
            pytest.skip("needs openssh-client")
        with pytest.raises(DeviceError, match="nothing listens"):
            benchmark(file, device=f"ssh://127.0.0.1:{port}")
