"""Networks of other packages: found, trusted, built, and made to look like one of ours."""
