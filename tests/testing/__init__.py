"""The conformance kit: healthy models pass, planted bugs are caught by the law that names them."""
