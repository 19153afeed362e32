"""A telephone or board with Android, by adb and the program `benchmark_model`."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfprune.errors import DataError, DeviceError
from tfprune.timing.conditions import Conditions
from tfprune.timing.devices.benchmark_model import Reading, read_output
from tfprune.timing.devices.shell import Ran, run
from tfprune.timing.gather import Entry
from tfprune.timing.job import Job
from tfprune.timing.machine import Machine, flags_in, processor_in
from tfprune.timing.raw import Cold, RawModel, RawRun

FOLDER = "/data/local/tmp/tfprune"
_ROUNDS = 5
_STATES = {
    "unauthorized": "allow USB debugging on its screen",
    "offline": "plug it in again, or run adb kill-server",
    "more than one": "say which one, adb:SERIAL; `adb devices` lists them",
    "no devices": "plug one in, and turn on USB debugging",
    "not found": "check the serial; `adb devices` lists them",
}


@dataclass(frozen=True)
class Adb:
    """An Android device.

    Its program is not part of tfprune: `benchmark_model` for the device's processor, built from
    LiteRT's sources or downloaded from its page on measuring. It reports the median or the mean of
    many runs, not each: models take five turns of many runs, and the figures are of those five.

    Attributes:
        binary: the program, here; "" where it lies in `FOLDER` on the device already.
        serial: which device; "" is the only one.
        options: of the program, as "--use_gpu=true".
    """

    binary: str = ""
    serial: str = ""
    options: tuple[str, ...] = ()

    @staticmethod
    def at(address: str, binary: str = "", options: Sequence[str] = ()) -> "Adb":
        """Returns the device at "adb" or "adb:SERIAL".

        Raises:
            DataError: the address is of another form.
        """
        found = re.fullmatch(r"adb(?::([\w.:-]+))?", address)
        if not found:
            raise DataError(f"expected a device adb or adb:SERIAL, received {address!r}")
        return Adb(binary, found[1] or "", tuple(options))

    @property
    def name(self) -> str:
        """The address."""
        return f"adb:{self.serial}" if self.serial else "adb"

    def check(self, entries: Sequence[Entry]) -> None:
        """Looks whether adb, the program and the device are there.

        Raises:
            DataError: a model is no TFLite file, or the program is missing.
            DeviceError: no adb, or no device that obeys.
        """
        for entry in entries:
            if getattr(entry.runtime, "spec", "") != "litert":
                raise DataError(f"expected .tflite files for {self.name}, received {entry.path}")
        if self.binary and not Path(self.binary).is_file():
            raise DataError(
                f"expected the program benchmark_model for the device, found nothing at "
                f"{self.binary}: download or build it, see docs/timing.md"
            )
        if not shutil.which("adb"):
            raise DeviceError(f"{self.name} needs the program adb: install the platform tools")
        state = self._adb("get-state")
        if state.code or state.out.strip() != "device":
            raise self._refused(state, "it is no device that obeys")

    def run(self, entries: Sequence[Entry], job: Job) -> RawRun:
        """Copies the program and the models there, and runs them in turns.

        Raises:
            DeviceError: a step failed.
        """
        self._shell(f"mkdir -p {FOLDER}")
        program = f"{FOLDER}/benchmark_model"
        if self.binary:
            self._push(self.binary, program)
            self._shell(f"chmod 755 {program}")
        names = [f"{FOLDER}/{place}.tflite" for place in range(len(entries))]
        try:
            for name, entry in zip(names, entries, strict=True):
                self._push(str(entry.path), name)
            readings = self._turns(program, names, job)
        finally:
            self._adb("shell", f"rm -f {' '.join(names)}")
        machine, calm = self._machine(), Conditions(0.0, 1, None, None, None, None, 0.0)
        models = [
            _model(entry, [turn[place] for turn in readings], job)
            for place, entry in enumerate(entries)
        ]
        return RawRun(tuple(models), machine, calm, calm)

    def _turns(self, program: str, names: Sequence[str], job: Job) -> list[list[Reading]]:
        rounds = min(_ROUNDS, job.runs)
        mask = sum(1 << core for core in job.cores)
        settings = [
            f"--num_threads={job.threads}",
            f"--num_runs={max(job.runs // rounds, 1)}",
            f"--warmup_runs={max(job.warmup, 1)}",
            "--min_secs=0.1",
            f"--max_secs={job.seconds / rounds / len(names):.3g}",
            *self.options,
        ]
        prefix = f"taskset {mask:x} " if mask else ""
        return [
            [
                read_output(self._shell(f"{prefix}{program} --graph={name} {' '.join(settings)}"))
                for name in names
            ]
            for _ in range(rounds)
        ]

    def _machine(self) -> Machine:
        facts = self._shell("cat /proc/cpuinfo")
        model = self._shell("getprop ro.product.model").strip()
        chip = self._shell("getprop ro.soc.model").strip() or processor_in(facts)
        governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
        return Machine(
            processor=", ".join(filter(None, [model, chip])) or "unknown",
            cores=len(re.findall(r"^processor\s*:", facts, re.MULTILINE)) or 1,
            system=f"Android {self._shell('getprop ro.build.version.release').strip()} "
            f"{self._shell('getprop ro.product.cpu.abi').strip()}",
            python="none",
            litert="benchmark_model",
            flags=flags_in(facts),
            governor=self._shell(f"cat {governor} 2>/dev/null || true").strip(),
        )

    def _push(self, source: str, target: str) -> None:
        done = self._adb("push", source, target)
        if done.code:
            raise self._refused(done, f"copying {Path(source).name} failed")

    def _shell(self, command: str) -> str:
        done = self._adb("shell", command)
        if done.code:
            raise self._refused(done, f"{command[:80]} failed")
        return done.out + done.err

    def _adb(self, *words: str) -> Ran:
        return run(["adb", *(("-s", self.serial) if self.serial else ()), *words])

    def _refused(self, done: Ran, what: str) -> DeviceError:
        said = f"{done.err} {done.out}".lower()
        for mark, advice in _STATES.items():
            if mark in said:
                return DeviceError(f"{self.name}: {mark}: {advice}")
        if "no space left" in said:
            return DeviceError(f"{self.name}: its storage is full: {what}")
        last = (f"{done.out}\n{done.err}".strip().splitlines() or [f"exit code {done.code}"])[-1]
        return DeviceError(f"{self.name}: {what}: {last[:300]}")


def _model(entry: Entry, own: Sequence[Reading], job: Job) -> RawModel:
    first = own[0]
    return RawModel(
        place="benchmark_model, " + ("median" if first.is_median else "mean") + " of each turn",
        turns={job.batches[0]: [[reading.seconds] for reading in own]},
        refused=dict.fromkeys(job.batches[1:], "benchmark_model runs the file's own batch"),
        cold=Cold(first.load_ms, first.first_ms, first.memory_bytes) if job.memory else None,
        macs=entry.runtime.macs(entry.path),
    )
