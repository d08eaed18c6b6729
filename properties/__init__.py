"""What is tested at random: strategies, property suites, adapters and judges. Imports spec and model."""
