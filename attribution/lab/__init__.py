"""How autograd gets to the gradient, and what one pass leaves in the model."""
