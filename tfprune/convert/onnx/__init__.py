"""ONNX files: the graph, its precision, and ONNX Runtime to prove them."""

from tfprune.convert.onnx.convert import TOLERANCE, to_onnx

__all__ = ["TOLERANCE", "to_onnx"]
