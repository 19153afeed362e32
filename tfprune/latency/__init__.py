"""How long a pruned model will take, told before it is built: measured tables of its layers."""

from tfprune.latency.check import LatencyCheck, check
from tfprune.latency.opening import open_table, simd_step
from tfprune.latency.table import LatencyTable

__all__ = ["LatencyCheck", "LatencyTable", "check", "open_table", "simd_step"]
