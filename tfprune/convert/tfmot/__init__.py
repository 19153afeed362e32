"""TensorFlow's model optimization on a tf_keras twin: training for int8, and clustered weights."""
