"""`python -m serve`: serve the published snapshot."""

from serve.app import main

if __name__ == "__main__":
    main()
