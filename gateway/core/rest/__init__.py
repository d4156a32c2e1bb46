"""Plain HTTP requests to a vendor's API, as a policy describes them: which method a request is, and what it says."""
