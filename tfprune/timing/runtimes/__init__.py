"""What runs models: one file a runtime, all with the same methods."""

from tfprune.timing.runtimes.interpreter import LiteRT as LiteRT
from tfprune.timing.runtimes.protocol import Runtime as Runtime
from tfprune.timing.runtimes.protocol import Session as Session
