"""`tfprune benchmark`: time models against each other, here or on a device.

Never loads TensorFlow into its own process.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tfprune
from tfprune.commands._common import Outcome, add_force, add_json, positive
from tfprune.errors import FileError

if TYPE_CHECKING:
    from tfprune.timing.devices import Device

SUMMARY = "time models against each other, the first being the reference"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument(
        "models", metavar="FILE", nargs="+", help=".tflite, .onnx, .keras files, SavedModel folders"
    )
    parser.add_argument("--threads", type=positive, default=1, help="threads a run may use (1)")
    parser.add_argument("--runs", type=positive, help="rounds, each one turn of every model (50)")
    parser.add_argument("--seconds", type=float, help="ends the rounds after so long (60)")
    parser.add_argument(
        "--batches",
        type=_wholes,
        default=(1,),
        metavar="N,N",
        help="rows that go in at once (1); the table is of the first, throughput of all",
    )
    parser.add_argument(
        "--cores", type=_wholes, default=(), metavar="N,N", help="keep the runs on these cores"
    )
    parser.add_argument(
        "--runtime",
        action="append",
        metavar="NAME",
        help="what runs the models, by the kind of file if left out; once for all models, or once "
        "for each: litert, litert-compiled, onnx, onnx-cuda, onnx-tensorrt, savedmodel, tftrt, "
        "keras-BACKEND-MODE (tensorflow, jax, torch; eager, graph, xla)",
    )
    parser.add_argument(
        "--python", metavar="FILE", default="", help="a Python with another backend of Keras"
    )
    parser.add_argument(
        "--starts", type=positive, default=1, help="fresh processes for the cold start (1)"
    )
    parser.add_argument(
        "--no_memory",
        action="store_true",
        help="leave out what takes fresh processes: peak memory and the cold start",
    )
    _add_devices(parser)
    _add_results(parser)
    add_json(parser)


def _add_devices(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("devices")
    group.add_argument(
        "--device", default="here", help="here (the default), ssh://user@host:port, adb, adb:SERIAL"
    )
    group.add_argument(
        "--device_python", default="python3", metavar="FILE", help="the Python there (python3)"
    )
    group.add_argument(
        "--ssh_option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of ssh -o, as IdentityFile=key; may be repeated",
    )
    group.add_argument(
        "--benchmark_binary",
        default="",
        metavar="FILE",
        help="the program benchmark_model for an Android device",
    )
    group.add_argument(
        "--benchmark_option",
        action="append",
        default=[],
        metavar="--NAME=VALUE",
        help="an option of that program, as --benchmark_option=--use_gpu=true; may be repeated",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("results")
    group.add_argument(
        "--output", "-o", metavar="FILE", help="a JSON file of results, for `tfprune report`"
    )
    group.add_argument("--append", action="store_true", help="add to the file if it exists")
    add_force(parser)
    group.add_argument("--title", default="", help="what is compared, a heading of the report")


def run(options: argparse.Namespace) -> Outcome:
    """Times the files, alternating between them."""
    # numpy and all that wait until they are needed: `tfprune --help` answers at once.
    from tfprune.timing.results_file import check_results, write_run

    for path in options.models:
        if not Path(path).exists():
            raise FileError(f"expected a model's file, found nothing at {path}: check the path")
    if options.output:
        check_results(options.output, options.append, options.force)
    chosen = {
        name: getattr(options, name)
        for name in ("runs", "seconds")
        if getattr(options, name) is not None
    }
    runtimes = options.runtime or [None]
    result = tfprune.benchmark(
        options.models,
        threads=options.threads,
        batches=options.batches,
        cores=options.cores,
        runtime=runtimes[0] if len(runtimes) == 1 else runtimes,
        python=options.python,
        starts=options.starts,
        memory=not options.no_memory,
        device=_device(options),
        **chosen,
    )
    if options.output:
        command = shlex.join(["tfprune", *sys.argv[1:]])
        write_run(options.output, result, options.title, command, options.append)
    return Outcome(text=str(result), document=result.as_dict())


def _device(options: argparse.Namespace) -> "Device":
    from tfprune.timing.devices import Adb, Ssh, device_at

    if options.device.startswith("ssh:"):
        return Ssh.at(options.device, options.device_python, options.ssh_option)
    if options.device.startswith("adb"):
        return Adb.at(options.device, options.benchmark_binary, options.benchmark_option)
    return device_at(options.device)


def _wholes(text: str) -> tuple[int, ...]:
    """Parses whole numbers with commas between them."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() for word in words):
        raise argparse.ArgumentTypeError(
            f"expected whole numbers with commas between them, received {text}; 0,1 for example"
        )
    return tuple(int(word) for word in words)
