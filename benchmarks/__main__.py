"""`python -m headgate.benchmarks` (`make bench`): the benchmarks that need no file."""

from headgate.benchmarks import interpreters, review

if __name__ == "__main__":
    interpreters.main()
    print()
    raise SystemExit(review.main())
