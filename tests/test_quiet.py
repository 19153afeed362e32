"""Native libraries: chat is dropped, errors are shown, even the last ones of an abort."""

import subprocess
import sys

CHAT = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795273436.863697    3965 port.cc:153] oneDNN custom operations are on.",
    "W0000 00:00:1795273436.863697    3965 loader.cc:1] something is old",
    "2026-11-21 10:00:00.123456: I tensorflow/core/platform/cpu_feature_guard.cc:210] optimized",
    "To enable the following instructions: AVX2, in other operations, rebuild TensorFlow",
    "E0000 00:00:1795273436.8 11 cuda_dnn.cc:1] Unable to register cuDNN factory: again",
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
)
NEWS = (
    "E0000 00:00:1795273436.863697    3965 kernel.cc:1] the kernel failed",
    "F0000 00:00:1795273436.863697    3965 cpu.cc:1] needs AVX",
    "2026-11-21 10:00:00.123456: E tensorflow/core/x.cc:1] an error",
    "Fatal Python error: Segmentation fault",
)


def _stderr(body: str) -> tuple[int, str]:
    script = (
        "import os, sys\n"
        "from tfprune._quiet import quiet_native_logs\n"
        "def native(*lines): os.write(2, b''.join(line.encode() + b'\\n' for line in lines))\n"
        f"chat, news = {CHAT!r}, {NEWS!r}\n"
        f"{body}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return done.returncode, done.stderr


def test_chat_is_dropped_and_news_are_shown() -> None:
    code, shown = _stderr(
        "with quiet_native_logs():\n"
        "    native(*chat, *news)\n"
        "    sys.stderr.write('from Python\\n')\n"
        "native('after ' + chat[1])"
    )
    assert code == 0
    assert sorted(shown.splitlines()) == sorted([*NEWS, "from Python", f"after {CHAT[1]}"])


def test_the_last_words_of_an_abort_are_shown() -> None:
    code, shown = _stderr("with quiet_native_logs():\n    native(chat[0], news[1]); os.abort()")
    assert code != 0
    assert shown.splitlines() == [NEWS[1]]


def test_an_exception_passes_and_the_stream_is_given_back() -> None:
    code, shown = _stderr(
        "try:\n    with quiet_native_logs(): raise KeyError('x')\nexcept KeyError: native(chat[1])"
    )
    assert (code, shown.splitlines()) == (0, [CHAT[1]])
