"""One tab a file; each builds its components and says what its runs yield."""
