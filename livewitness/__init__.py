"""播证 LiveWitness: command line, wiring, doctor, demo and benchmarks."""

__version__ = "0.1.0"
