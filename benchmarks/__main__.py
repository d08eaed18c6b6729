"""`python -m headgate.benchmarks` (`make bench`): the benchmarks that need no file."""

from headgate.benchmarks import allocator, interpreters, review

if __name__ == "__main__":
    raise SystemExit(interpreters.main() or allocator.main([]) or review.main([]))
