#!/usr/bin/env python3
"""Runs a TFLite file on a picture, a waveform, a sound or an array, and prints the answer.

    python run.py model.tflite wave.npy
    python run.py model.tflite picture.png --top 5 --json
    python run.py model.tflite                    # what the file says of itself

This file alone is enough on a device: it needs Python 3.9 or newer, numpy, and one of
ai-edge-litert, tflite-runtime and tensorflow. How an input is prepared, and what the classes are
called, it takes from the metadata that tfprune stores in the file.

    arrays     .npy, .npz (one array for each input, by name or in order)
    sounds     .wav (PCM); others where soundfile is installed
    pictures   .png, .bmp, .ppm, .pgm; others where pillow is installed

An array with one axis more than an example holds several; each is answered.
"""

import argparse
import json
import statistics
import struct
import sys
import time
import wave
import zlib
from pathlib import Path

import numpy as np

BUFFER = b"TFPRUNE_METADATA"


class Failure(Exception):
    """What went wrong, in one line."""


def main(arguments=None):
    """Runs one command line; returns the exit code."""
    options = parse(arguments)
    try:
        document, text = answer(options)
    except Failure as failure:
        print(f"run.py: error: {failure}", file=sys.stderr)
        return 1
    print(json.dumps(document, indent=1, ensure_ascii=False) if options.json else text)
    return 0


def parse(arguments):
    """Returns the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a .tflite file")
    parser.add_argument("inputs", nargs="*", help="one file for each input, or one .npz")
    parser.add_argument("--ready", action="store_true", help="the input is prepared already")
    parser.add_argument("--start", type=float, default=0.0, help="seconds to skip of a sound")
    parser.add_argument("--runs", type=int, default=20, help="timed runs (default 20)")
    parser.add_argument("--threads", type=int, default=1, help="of the runtime (default 1)")
    parser.add_argument("--top", type=int, default=3, help="classes to print (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def answer(options):
    """Returns what was found, as JSON and as text."""
    content = read_file(options.model)
    metadata = read_metadata(content)
    model = Model(options.model, options.threads)
    if not options.inputs:
        document = {"model": options.model, "inputs": model.describe(), "metadata": metadata}
        return document, json.dumps(document, indent=1, ensure_ascii=False)
    prepared = prepare(model, metadata, options)
    found, first, times = model.run(prepared, max(options.runs, 1))
    answers = [explain(outputs, metadata, options.top) for outputs in found]
    document = {
        "model": options.model,
        "runtime": model.runtime,
        "threads": options.threads,
        "answers": answers,
        "load_ms": round(1e3 * model.load, 3),
        "first_ms": round(1e3 * first, 3),
        "median_ms": round(1e3 * statistics.median(times), 3),
        "runs": len(times),
    }
    return document, as_text(document)


def as_text(document):
    """Returns the answers and the time, for a person."""
    lines = []
    for number, outputs in enumerate(document["answers"]):
        mark = f"{number}: " if len(document["answers"]) > 1 else ""
        for name, output in outputs.items():
            if "classes" in output:
                said = ", ".join(f"{c['label']} {c['value']:.4g}" for c in output["classes"])
            else:
                flat = np.ravel(output["values"])
                said = " ".join(f"{value:.4g}" for value in flat[:8])
                said += f" ... ({flat.size} values)" if flat.size > 8 else ""
            lines.append(f"{mark}{name}: {said}")
    lines.append(
        f"{document['median_ms']:.3g} ms (median of {document['runs']}; first "
        f"{document['first_ms']:.3g} ms, load {document['load_ms']:.3g} ms; "
        f"{document['runtime']}, {document['threads']} thread(s))"
    )
    return "\n".join(lines)


def explain(outputs, metadata, top):
    """Returns an example's outputs, with the classes' names where the file has them."""
    labels, found = metadata.get("labels", []), {}
    for name, values in outputs.items():
        entry = {"values": values.tolist()}
        flat = values.ravel()
        if labels and values.ndim <= 1 and flat.size == len(labels):
            order = np.argsort(-flat, kind="stable")[: max(top, 1)]
            entry["classes"] = [{"label": labels[i], "value": float(flat[i])} for i in order]
        elif len(labels) == 2 and flat.size == 1:
            yes = flat[0] > metadata.get("thresholds", {}).get(name, 0.5)
            entry["classes"] = [{"label": labels[int(yes)], "value": float(flat[0])}]
        found[name] = entry
    return found


# -- the runtime


class Model:
    """A file in a runtime: names, shapes and types of its inputs, and its answers."""

    def __init__(self, path, threads):
        make, self.runtime = find_runtime()
        began = time.perf_counter()
        try:
            self._interpreter = make(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise Failure(f"{self.runtime} cannot load {path}: {reason}") from error
        self.load = time.perf_counter() - began
        self.inputs = self._named(self._interpreter.get_input_details(), "inputs")
        self._outputs = self._named(self._interpreter.get_output_details(), "outputs")

    def _named(self, details, kind):
        """Returns details by the names in the signature, else by those of the tensors."""
        by_index = {entry["index"]: entry for entry in details}
        signatures = list(self._interpreter.get_signature_list())
        if signatures:
            runner = self._interpreter.get_signature_runner(signatures[0])
            ask = runner.get_input_details if kind == "inputs" else runner.get_output_details
            named = {name: by_index.get(entry["index"]) for name, entry in ask().items()}
            if None not in named.values():
                return named
        return {entry["name"]: entry for entry in details}

    def describe(self):
        """Returns what each input takes."""
        return {
            name: {"shape": list(map(int, entry["shape"])), "type": np.dtype(entry["dtype"]).name}
            for name, entry in self.inputs.items()
        }

    def run(self, examples, runs):
        """Returns the answers to all examples, the first run's time, and those of more runs."""
        answers, first = [], 0.0
        for number, example in enumerate(examples):
            self._feed(example)
            spent = self._invoke()
            first = first if number else spent
            answers.append({name: self._take(entry) for name, entry in self._outputs.items()})
        return answers, first, [self._invoke() for _ in range(runs)]

    def _feed(self, example):
        for name, entry in self.inputs.items():
            self._interpreter.set_tensor(entry["index"], quantized(example[name], entry)[None])

    def _invoke(self):
        began = time.perf_counter()
        self._interpreter.invoke()
        return time.perf_counter() - began

    def _take(self, entry):
        values, (scale, zero) = self._interpreter.get_tensor(entry["index"]), entry["quantization"]
        return (values[0].astype(np.float32) - zero) * scale if scale else values[0]


def find_runtime():
    """Returns what makes an interpreter, and the name of the package it is from."""
    try:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter, "ai-edge-litert"
    except ImportError:
        pass
    try:
        from tflite_runtime.interpreter import Interpreter

        return Interpreter, "tflite-runtime"
    except ImportError:
        pass
    try:
        from tensorflow.lite import Interpreter

        return Interpreter, "tensorflow"
    except ImportError:
        raise Failure("no TFLite runtime here: pip install ai-edge-litert") from None


def quantized(values, entry):
    """Returns values as the input holds them."""
    scale, zero = entry["quantization"]
    if not scale:
        return values.astype(entry["dtype"])
    limits = np.iinfo(entry["dtype"])
    return np.clip(np.round(values / scale) + zero, limits.min, limits.max).astype(entry["dtype"])


# -- the metadata


def read_file(path):
    """Returns the bytes of a TFLite file."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from error
    if content[4:8] != b"TFL3":
        raise Failure(f"expected a .tflite file, but {path} lacks the format's mark TFL3")
    return content


def read_metadata(content):
    """Returns what tfprune stored in a TFLite file, {} where there is nothing.

    The file is a flatbuffer: tables of fields that point to others. Its model has a list of
    named buffers (field 6) that are numbers in its list of buffers (field 4).
    """
    try:
        root = number(content, 0)
        for entry in tables(content, field(content, root, 6)):
            if data(content, field(content, entry, 0)) == BUFFER:
                index = field(content, entry, 1)
                buffers = tables(content, field(content, root, 4))
                buffer = buffers[number(content, index) if index else 0]
                return json.loads(data(content, field(content, buffer, 0)).decode("utf-8"))
    except (struct.error, IndexError, ValueError) as error:
        raise Failure("the file is damaged or was cut short") from error
    return {}


def number(content, place):
    """Returns the unsigned number of 32 bits at a place."""
    return struct.unpack_from("<I", content, place)[0]


def field(content, table, index):
    """Returns where a table's field stands, 0 where it has none."""
    fields = table - struct.unpack_from("<i", content, table)[0]
    if 4 + 2 * index >= struct.unpack_from("<H", content, fields)[0]:
        return 0
    offset = struct.unpack_from("<H", content, fields + 4 + 2 * index)[0]
    return table + offset if offset else 0


def tables(content, place):
    """Returns the tables of the list that a field points to."""
    if not place:
        return []
    start = place + number(content, place)
    places = range(start + 4, start + 4 + 4 * number(content, start), 4)
    return [each + number(content, each) for each in places]


def data(content, place):
    """Returns the bytes that a field points to."""
    if not place:
        return b""
    start = place + number(content, place)
    end = start + 4 + number(content, start)
    if end > len(content):
        raise IndexError(end)
    return content[start + 4 : end]


# -- inputs: from files to what the model takes


def prepare(model, metadata, options):
    """Returns examples, each a dict of prepared arrays by input name."""
    names = list(model.inputs)
    files = [read_input(path) for path in options.inputs]
    if len(files) == 1 and isinstance(files[0], dict):
        files = by_name(files[0], names)
    if len(files) != len(names):
        raise Failure(
            f"the model takes {len(names)} input(s) ({', '.join(names)}), received {len(files)}: "
            "name one file for each, or an .npz with all"
        )
    columns = {}
    for name, (values, rate) in zip(names, files):
        how = {} if options.ready else metadata.get("preprocessing", {}).get(name, {})
        shape = tuple(int(size) for size in model.inputs[name]["shape"][1:])
        columns[name] = rows(name, values, rate, how, shape, options.start)
    count = {len(column) for column in columns.values()}
    if len(count) != 1:
        raise Failure(f"the inputs hold different numbers of examples: {sorted(count)}")
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def by_name(arrays, names):
    """Returns the arrays of an .npz in the order of the inputs."""
    if set(names) <= set(arrays):
        return [(arrays[name], None) for name in names]
    return [(array, None) for array in arrays.values()][: max(len(names), 1)]


def rows(name, values, rate, how, shape, start):
    """Returns the examples in an array, prepared as the metadata say."""
    kind = how.get("kind", "values")
    if kind not in KINDS:
        raise Failure(f"input {name!r} is prepared by {kind!r}, which this run.py does not know")
    if rate and how.get("rate") and abs(rate - how["rate"]) > 1e-3 * how["rate"]:
        raise Failure(
            f"input {name!r} takes {how['rate']:g} samples a second, the file has {rate:g}: "
            "resample it first"
        )
    if values.dtype.kind not in "fiub":
        raise Failure(f"expected numbers for input {name!r}, received {values.dtype}")
    make, axes = KINDS[kind]
    several = rate is None and values.ndim > axes(shape)
    skipped = round(start * (rate or how.get("rate") or 0))
    found = []
    for each in values if several else [values]:
        try:
            made = make(each[skipped:] if skipped else each, how, shape)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Failure(f"cannot bring {each.shape} to the shape {shape} of {name!r}") from error
        if made.shape != shape:
            raise Failure(f"input {name!r} takes the shape {shape}, received {made.shape}")
        scale, offset = (np.float32(how.get(key, default)) for key, default in DEFAULTS)
        found.append(made.astype(np.float32) * scale + offset)
        if not np.isfinite(found[-1]).all():
            raise Failure(f"input {name!r} holds NaN or infinite values")
    return found


DEFAULTS = (("scale", 1.0), ("offset", 0.0))


def as_values(values, how, shape):
    """Takes an array as it is, an axis of one added or dropped where that makes it fit."""
    return values.reshape(shape) if values.size == int(np.prod(shape)) else values


def as_image(values, how, shape):
    """Brings a picture to the input's size and order of channels."""
    picture = values[..., None] if values.ndim == 2 else values
    height, width, channels = shape
    colours = picture[..., :3].astype(np.float32) if picture.shape[-1] > 2 else picture[..., :1]
    if channels == 1 and colours.shape[-1] == 3:
        colours = colours @ np.float32([[0.299], [0.587], [0.114]])  # Rec. 601
    elif channels == 3 and colours.shape[-1] == 1:
        colours = np.repeat(colours, 3, axis=-1)
    if how.get("channels") == "bgr":
        colours = colours[..., ::-1]
    if colours.shape[:2] == (height, width):
        return colours.astype(np.float32)
    down, across = resizing(colours.shape[0], height), resizing(colours.shape[1], width)
    return np.einsum("yi,xj,ijc->yxc", down, across, colours.astype(np.float32), optimize=True)


def as_waveform(values, how, shape):
    """Cuts a waveform to the input's length, or fills it up: with zeros, or with itself."""
    signal = values.astype(np.float32)
    channels = shape[1] if len(shape) > 1 else 1
    signal = signal[:, None] if signal.ndim == 1 else signal
    if channels == 1 and signal.shape[1] > 1:
        signal = signal.mean(axis=1, keepdims=True)
    if how.get("fill", "zeros") == "repeat" and 0 < len(signal) < shape[0]:
        signal = np.tile(signal, (-(-shape[0] // len(signal)), 1))
    signal = fitted(signal, shape[0])
    if how.get("normalise", "none") != "none":
        signal = signal - signal.mean(axis=0)
        size = signal.std(axis=0) if how["normalise"] == "standard" else np.abs(signal).max(axis=0)
        signal = signal / np.where(size > 0, size, 1)
    return signal.reshape(-1, *shape[1:])


def as_spectrogram(values, how, shape):
    """Draws a seismogram (samples, components) as tfprune.datasets.spectrogram_image does."""
    height, width, channels = shape
    signal = values.astype(np.float32)
    signal = signal[:, None] if signal.ndim == 1 else signal
    signal = (signal if how.get("components") == "ENZ" else signal[:, -1:]).T
    nfft, rate = int(how.get("nfft", 256)), np.float32(how.get("rate", 100))
    if signal.shape[1] < nfft:
        raise Failure(f"expected {nfft} samples or more, received {signal.shape[1]}")
    signal = signal - signal.mean(axis=1, keepdims=True)
    starts = np.linspace(0, signal.shape[1] - nfft, width).round().astype(int)
    taper = np.hanning(nfft + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(signal[:, starts[:, None] + np.arange(nfft)] * taper, axis=-1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    power *= np.float32(1 / (rate * np.sum(taper**2)))
    power[..., 1 : (nfft + 1) // 2] *= 2
    power = power.swapaxes(1, 2)
    variance = signal.var(axis=1)[:, None, None]
    zero = {
        "std": variance * np.float32(2 / rate / 10),
        "median": np.median(power, axis=(1, 2), keepdims=True),
        "none": np.where(variance > 0, np.float32(1), np.float32(0)),
    }[how.get("reference", "std")]
    tiny, low, high = np.float32(1e-30), how.get("low", -10.0), how.get("high", 25.0)
    levels = 10 * np.log10(np.maximum(power, tiny) / np.maximum(zero, tiny))
    levels[np.broadcast_to(zero <= tiny, levels.shape)] = low
    levels = (np.clip(levels, low, high) - low) * np.float32(255 / (high - low))
    upright = resizing(levels.shape[1], height)[::-1] @ levels
    picture = np.rint(np.moveaxis(upright, 0, -1))
    return np.repeat(picture, channels, axis=-1) if picture.shape[-1] == 1 else picture


def as_log_mel(values, how, shape):
    """Returns decibels in mel bands, frame by frame."""
    signal = values.astype(np.float32)
    signal = signal.mean(axis=1) if signal.ndim == 2 else signal
    nfft, window, hop = (int(how[key]) for key in ("nfft", "window", "hop"))
    upright = how.get("layout", "band_time") == "band_time"
    frames = shape[1] if upright else shape[0]
    signal = fitted(np.pad(signal, nfft // 2), (frames - 1) * hop + nfft)
    taper = np.zeros(nfft)
    taper[(nfft - window) // 2 :][:window] = np.hanning(window + 1)[:-1]
    windows = signal[hop * np.arange(frames)[:, None] + np.arange(nfft)]
    power = np.abs(np.fft.rfft(windows * taper, axis=1)) ** 2
    bands = mel_bands(how["rate"], nfft, int(how["bands"]), how["low"], how["high"])
    levels = 10 * np.log10(np.maximum(power @ bands.T, how.get("floor", 1e-10)))
    return (levels.T if upright else levels).reshape(-1, *shape[1:])


LOG = np.log(6.4)


def mel_bands(rate, nfft, count, low, high):
    """Returns triangles of equal area on Slaney's scale, (bands, nfft // 2 + 1).

    Linear to 1 kHz, 15 mel there, then 27 mel for each factor of 6.4 (Slaney 1998).
    """
    ends = np.array([low, high or rate / 2], float)
    ends = np.where(ends < 1000, ends * 3 / 200, 15 + 27 * np.log(ends / 1000 + 1e-30) / LOG)
    mels = np.linspace(*ends, count + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * LOG / 27))
    bins = np.linspace(0, rate / 2, nfft // 2 + 1)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def fitted(signal, length):
    """Returns the first samples, or all and zeros."""
    missing = max(0, length - len(signal))
    return np.pad(signal[:length], [(0, missing)] + [(0, 0)] * (signal.ndim - 1))


def resizing(old, new):
    """Returns a matrix (new, old) that resizes an axis: linear, averaging where it shrinks."""
    scale = old / new
    reach = max(scale, 1.0)
    centres = (np.arange(new) + 0.5) * scale - 0.5
    weights = np.maximum(1 - np.abs(np.arange(old) - centres[:, None]) / reach, 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


# Of each kind: what prepares an example, and how many axes it has at most.
KINDS = {
    "values": (as_values, lambda shape: len(shape)),
    "image": (as_image, lambda shape: 3),
    "waveform": (as_waveform, lambda shape: min(len(shape), 2)),
    "spectrogram": (as_spectrogram, lambda shape: 2),
    "log_mel": (as_log_mel, lambda shape: 2),
}


# -- files


def read_input(path):
    """Returns the array in a file and its samples a second, or a dict of arrays."""
    file = Path(path)
    suffix = file.suffix.lower()
    if not file.is_file():
        raise Failure(f"found no file {path}")
    try:
        if suffix in (".npy", ".npz"):
            found = np.load(file, allow_pickle=False)
            return (found, None) if isinstance(found, np.ndarray) else dict(found)
        if suffix == ".wav":
            return read_wav(file)
        if suffix in (".ogg", ".flac", ".mp3", ".aif", ".aiff"):
            return read_sound(file)
        readers = {".png": read_png, ".bmp": read_bmp, ".ppm": read_pnm, ".pgm": read_pnm}
        return readers.get(suffix, read_picture)(file.read_bytes(), path), None
    except (OSError, EOFError, ValueError, struct.error, zlib.error, wave.Error) as error:
        raise Failure(f"cannot read {path}: {error}") from error


def read_wav(file):
    """Returns PCM samples in -1..1, channels last, and their rate."""
    with wave.open(str(file), "rb") as sound:
        width, channels, rate = sound.getsampwidth(), sound.getnchannels(), sound.getframerate()
        content = sound.readframes(sound.getnframes())
    if width == 1:
        samples = np.frombuffer(content, np.uint8).astype(np.float32) / 128 - 1
    elif width == 3:
        parts = np.frombuffer(content, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = parts[:, 0] << 8 | parts[:, 1] << 16 | parts[:, 2] << 24
        samples = (whole / 2.0**31).astype(np.float32)
    else:
        samples = np.frombuffer(content, f"<i{width}") / np.float32(2.0 ** (8 * width - 1))
    samples = samples.reshape(-1, channels)
    return (samples[:, 0] if channels == 1 else samples), float(rate)


def read_sound(file):
    """Returns a sound that soundfile can read, and its rate."""
    try:
        import soundfile
    except ImportError:
        raise Failure(
            f"{file.suffix} needs soundfile (pip install soundfile); .wav does not"
        ) from None
    samples, rate = soundfile.read(str(file), dtype="float32")
    return samples, float(rate)


def read_picture(content, path):
    """Returns a picture that pillow can read."""
    try:
        from PIL import Image
    except ImportError:
        raise Failure(
            f"{path} needs pillow (pip install pillow); .png, .bmp, .ppm and .npy do not"
        ) from None
    import io

    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def read_pnm(content, path):
    """Returns a portable pixmap or graymap, binary, of 8 bits."""
    words, place = [], 0
    while len(words) < 4:
        while content[place : place + 1].isspace():
            place += 1
        if content[place : place + 1] == b"#":
            place = content.index(b"\n", place)
            continue
        end = place
        while end < len(content) and not content[end : end + 1].isspace():
            end += 1
        if end == place:
            raise ValueError("it was cut short")
        words.append(content[place:end])
        place = end
    kind, width, height, most = words[0], *map(int, words[1:])
    if kind not in (b"P5", b"P6") or most != 255:
        raise ValueError("expected a binary pixmap of 8 bits (P5 or P6, 255)")
    channels = 3 if kind == b"P6" else 1
    pixels = np.frombuffer(content, np.uint8, width * height * channels, place + 1)
    return pixels.reshape(height, width, channels)


def read_bmp(content, path):
    """Returns a bitmap of 24 or 32 bits, not compressed."""
    start, _, width, height, _, bits, packed = struct.unpack_from("<IIiiHHI", content, 10)
    if content[:2] != b"BM" or bits not in (24, 32) or packed not in (0, 3):
        raise ValueError("expected a BMP of 24 or 32 bits, not compressed")
    stride = (width * bits // 8 + 3) // 4 * 4
    lines = np.frombuffer(content, np.uint8, stride * abs(height), start).reshape(-1, stride)
    pixels = lines[:, : width * bits // 8].reshape(abs(height), width, bits // 8)[..., 2::-1]
    return pixels[::-1] if height > 0 else pixels  # most are stored from the bottom up


def read_png(content, path):
    """Returns a PNG of 8 bits a channel, not interlaced, without its transparency."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("it is no PNG")
    place, packed, palette = 8, b"", None
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + 8 + length]
        if len(body) < length:
            raise ValueError("it was cut short")
        if kind == b"IHDR":
            width, height, bits, colour, _, _, woven = struct.unpack(">IIBBBBB", body)
        elif kind == b"PLTE":
            palette = np.frombuffer(body, np.uint8).reshape(-1, 3)
        elif kind == b"IDAT":
            packed += body
        place += 12 + length
    if bits != 8 or woven:
        raise ValueError("expected a PNG of 8 bits a channel, not interlaced")
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    lines = unfiltered(zlib.decompress(packed), height, width * channels, channels)
    pixels = lines.reshape(height, width, channels)
    if colour == 3:
        return palette[pixels[..., 0]]
    return pixels[..., :3] if channels > 2 else pixels[..., :1]


def unfiltered(stream, height, stride, step):
    """Returns the bytes of a PNG's lines (its specification, section 9)."""
    lines = np.frombuffer(stream, np.uint8, height * (stride + 1)).reshape(height, stride + 1)
    above, found = bytearray(stride), np.empty((height, stride), np.uint8)
    for row in range(height):
        method, line = lines[row, 0], bytearray(lines[row, 1:].tobytes())
        if method == 2:
            line = bytearray((lines[row, 1:] + np.frombuffer(above, np.uint8)).tobytes())
        elif method:
            for i in range(stride):
                left = line[i - step] if i >= step else 0
                if method == 1:
                    guess = left
                elif method == 3:
                    guess = (left + above[i]) // 2
                else:
                    guess = paeth(left, above[i], above[i - step] if i >= step else 0)
                line[i] = (line[i] + guess) & 255
        found[row] = np.frombuffer(line, np.uint8)
        above = line
    return found


def paeth(left, above, corner):
    """Returns the neighbour nearest to left + above - corner."""
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


if __name__ == "__main__":
    sys.exit(main())
