"""Another machine, by SSH: the runner and the models are copied there, and the timings home."""

import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tfprune.errors import DataError, DeviceError
from tfprune.timing.devices.bundle import write_runner
from tfprune.timing.devices.shell import Ran, run
from tfprune.timing.gather import Entry
from tfprune.timing.hosting import again
from tfprune.timing.job import Job
from tfprune.timing.raw import RawRun

_NEEDS = {
    "litert": "ai_edge_litert.interpreter",
    "litert-compiled": "ai_edge_litert.compiled_model",
    "onnx": "onnxruntime",
}
"""What can run there, and the module that it takes."""

_PROBE = """\
import importlib, json, sys
missing = []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError:
        missing.append(name.split(".")[0].replace("_", "-"))
print(json.dumps({"version": sys.version_info[:2], "missing": missing}))
"""

_REFUSALS = {
    "could not resolve hostname": "there is no host of this name: check the address",
    "host key verification failed": "the host is not known here: connect once by hand with ssh, "
    "and accept its key",
    "permission denied": "the host refuses the key: send yours with ssh-copy-id, or name one with "
    "the option IdentityFile=FILE",
    "connection refused": "nothing listens on that port: start sshd there, or give its port",
    "timed out": "the host does not answer: check that it is on and in reach",
    "no route to host": "the host does not answer: check that it is on and in reach",
}


@dataclass(frozen=True)
class Ssh:
    """A machine that `ssh` logs into without asking for a password.

    It needs Python 3.10 or newer with numpy and ai-edge-litert, or onnxruntime for `.onnx` files.

    Attributes:
        host: its name or number.
        user: who logs in; "" is who is set up for the host, or yourself.
        port: of the SSH server; 0 is the usual one.
        python: the Python there.
        options: of `ssh` and `scp`, as in `ssh -o`: "IdentityFile=key".
    """

    host: str
    user: str = ""
    port: int = 0
    python: str = "python3"
    options: tuple[str, ...] = ()

    @staticmethod
    def at(address: str, python: str = "python3", options: Sequence[str] = ()) -> "Ssh":
        """Returns the machine at "ssh://user@host:port".

        Raises:
            DataError: the address is of another form.
        """
        try:
            parts = urlsplit(address)
            host, user, port = parts.hostname or "", parts.username or "", parts.port or 0
        except ValueError:
            host = ""
        # A name that begins with a dash would be an option to ssh.
        words = re.compile(r"[A-Za-z0-9_.:][A-Za-z0-9_.:-]*")
        if not words.fullmatch(host) or (user and not words.fullmatch(user)) or parts.path:
            raise DataError(f"expected a device ssh://user@host:port, received {address!r}")
        return Ssh(host, user, port, python, tuple(options))

    @property
    def name(self) -> str:
        """The address."""
        return f"ssh://{self._login(bracketed=True)}" + (f":{self.port}" if self.port else "")

    def check(self, entries: Sequence[Entry]) -> None:
        """Logs in and looks whether Python and the runtimes are there.

        Raises:
            DataError: a model's runtime cannot run there.
            DeviceError: no ssh here, no way in, or something is missing there.
        """
        for tool in ("ssh", "scp"):
            if not shutil.which(tool):
                raise DeviceError(f"{self.name} needs the program {tool}: install openssh-client")
        needed = ["numpy"]
        for entry in entries:
            spec = getattr(entry.runtime, "spec", entry.runtime.name)
            if spec not in _NEEDS:
                raise DataError(
                    f"expected one of {', '.join(_NEEDS)} on {self.name}, received {spec}"
                )
            needed.append(_NEEDS[spec])
        told = self._ask(shlex.join([self.python, "-c", _PROBE, *dict.fromkeys(needed)]))
        if tuple(told["version"]) < (3, 10):
            version = ".".join(map(str, told["version"]))
            raise DeviceError(
                f"{self.name}: expected Python 3.10 or newer, found {version}: name another with "
                "--device_python"
            )
        if told["missing"]:
            raise DeviceError(
                f"{self.name}: its {self.python} lacks {', '.join(told['missing'])}: there, run "
                f"{self.python} -m pip install {' '.join(told['missing'])}"
            )

    def run(self, entries: Sequence[Entry], job: Job) -> RawRun:
        """Copies, runs, and brings the timings home; leaves nothing there.

        Raises:
            DeviceError: a step failed.
            FileError, DataError: as on this machine.
        """
        folder = self._told("mktemp -d").strip()
        if not re.fullmatch(r"/[\w./-]+", folder):
            raise DeviceError(f"{self.name}: expected a temporary folder, received {folder[:80]!r}")
        try:
            return self._run_in(folder, entries, job)
        finally:
            with suppress(DeviceError):
                self._told(f"rm -rf {folder}")

    def _run_in(self, folder: str, entries: Sequence[Entry], job: Job) -> RawRun:
        names = [f"{place}{entry.path.suffix}" for place, entry in enumerate(entries)]
        models = [
            {"path": name, "runtime": entry.runtime.spec}
            for name, entry in zip(names, entries, strict=True)
        ]
        with tempfile.TemporaryDirectory(prefix="tfprune-") as here:
            runner = write_runner(Path(here) / "runner.pyz")
            asked = Path(here) / "job.json"
            asked.write_text(json.dumps({"job": job.as_dict(), "models": models}))
            self._copy(str(runner), f"{folder}/runner.pyz")
            self._copy(str(asked), f"{folder}/job.json")
            for name, entry in zip(names, entries, strict=True):
                self._copy(str(entry.path.resolve()), f"{folder}/{name}")
            python = shlex.quote(self.python)
            self._told(f"cd {folder} && {python} runner.pyz job.json result.json")
            self._fetch(f"{folder}/result.json", Path(here) / "result.json")
            done = json.loads((Path(here) / "result.json").read_text(encoding="utf-8"))
        return _home(done, names, entries)

    def _ask(self, command: str) -> Mapping[str, Any]:
        text = self._told(command)
        try:
            # A login script may print lines of its own before.
            told: Mapping[str, Any] = json.loads(text.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise DeviceError(f"{self.name}: cannot read its answer {text[:80]!r}") from None
        return told

    def _told(self, command: str) -> str:
        port = ("-p", str(self.port)) if self.port else ()
        done = run(["ssh", *self._options(), *port, self._login(), command])
        if done.code:
            raise self._refused(done, command)
        return done.out

    def _copy(self, source: str, target: str) -> None:
        self._scp(source, f"{self._login(bracketed=True)}:{target}")

    def _fetch(self, source: str, target: Path) -> None:
        self._scp(f"{self._login(bracketed=True)}:{source}", str(target))

    def _scp(self, source: str, target: str) -> None:
        port = ("-P", str(self.port)) if self.port else ()
        done = run(["scp", "-q", *self._options(), *port, source, target])
        if done.code:
            raise self._refused(done, f"copying {Path(source).name}")

    def _options(self) -> list[str]:
        usual = ("BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15")
        return [word for option in (*self.options, *usual) for word in ("-o", option)]

    def _login(self, bracketed: bool = False) -> str:
        host = f"[{self.host}]" if bracketed and ":" in self.host else self.host
        return f"{self.user}@{host}" if self.user else host

    def _refused(self, done: Ran, what: str) -> DeviceError:
        said = done.err.lower()
        for mark, advice in _REFUSALS.items():
            if mark in said:
                return DeviceError(f"cannot reach {self.name}: {advice}")
        if "no space left" in said:
            return DeviceError(f"{self.name}: its disk is full: {what[:60]} failed")
        if done.code == 127 or "not found" in said:
            return DeviceError(
                f"{self.name}: there is no {self.python}: install it there, or name another with "
                "--device_python"
            )
        last = (done.err.strip().splitlines() or [f"exit code {done.code}"])[-1]
        return DeviceError(f"{self.name}: {what[:60]} failed: {last[:300]}")


def _home(done: Mapping[str, Any], names: Sequence[str], entries: Sequence[Entry]) -> RawRun:
    if "error" in done:
        message = str(done["message"])
        for name, entry in zip(names, entries, strict=True):
            message = message.replace(name, str(entry.path))
        raise again(str(done["error"]), message)
    raw = RawRun.from_dict(done)
    counted = [entry.runtime.macs(entry.path) for entry in entries]
    models = [replace(one, macs=macs) for one, macs in zip(raw.models, counted, strict=True)]
    return replace(raw, models=tuple(models))
