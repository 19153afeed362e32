"""The commands of `tfprune`, one a file: each adds its options and runs on what was parsed."""
