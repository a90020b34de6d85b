"""What is measured or recorded once and kept: benchmarks, run times, the frameworks' traces, the data."""
