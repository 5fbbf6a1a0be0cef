<?php
// The service behind php.yaml: no session_start(), no cookie; it reads a header.
$name = rawurldecode($_SERVER["HTTP_X_SESSION_NAME"] ?? "");
echo $name === "" ? "<h1>Who are you?</h1>" : "<h1>Hello " . htmlspecialchars($name) . "</h1>";
