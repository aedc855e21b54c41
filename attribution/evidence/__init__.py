"""What is measured on the model: is an explanation right, why one document is above another, what the model reads."""
