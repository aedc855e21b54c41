"""Side-by-side measurements of the methods: `python -m benchmarks.run --data FOLDER`."""
