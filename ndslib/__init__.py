"""ndslib: understand, run and build on six methods for specialising data and models in computer vision."""

__version__ = "0.1.0"
