"""What network and score agree on: the strides of the rows and the order of the classes."""

STRIDES = (8, 16, 32)
LABELS = ("person", "bicycle", "car")
