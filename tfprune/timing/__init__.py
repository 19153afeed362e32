"""How long models take where they run; nothing in this room loads TensorFlow."""
