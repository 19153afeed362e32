"""NVIDIA's TensorRT, within TensorFlow 2.17 (TF-TRT) and from ONNX. Not run on hardware yet."""
