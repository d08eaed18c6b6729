"""Measurements of headgate itself; they print ratios and sizes, and decide no verdict."""
