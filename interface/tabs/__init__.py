"""A file or a folder for each tab, which builds its components and says what its runs yield."""
