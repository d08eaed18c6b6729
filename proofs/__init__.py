"""What is proved and how: the symbolic interpreter, the theorems, the runner and the queries. Imports spec and model."""
