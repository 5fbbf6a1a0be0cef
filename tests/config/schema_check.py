#!/usr/bin/python3
"""Every configuration file that passes is valid under keepsake.schema.json; mistakes of shape are not."""
import glob
import json
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

root = sys.argv[1]
with open(f"{root}/config/keepsake.schema.json", encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors and Keepsake read it: no dates, and yes and no are text."""


Core.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith((":timestamp", ":bool"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def errors(path):
    with open(path, encoding="utf-8") as stream:
        return [error.message for error in validator.iter_errors(yaml.load(stream, Core))]


failed = False
good = glob.glob(f"{root}/config/*.yaml") + glob.glob(f"{root}/config/examples/*.yaml")
for path in good:
    for message in errors(path):
        print(f"{path}: {message}")
        failed = True

# Mistakes that an editor shows while one types; the others are the loader's alone.
for name in """type_unknown_key type_bool type_bool_quoted type_number type_number_fraction type_number_range
    type_duration_unit type_duration_word type_size_unit type_list_wanted type_map_wanted type_text_wanted type_empty
    type_choice listen_missing listen_empty listen_address_missing listen_tls_half workers_zero backends_missing
    backends_empty backend_servers_missing backend_servers_empty backend_server_no_scheme backend_balance
    backend_retry_zero backend_keepalive_key backend_health_path backend_ejection_zero route_nothing
    route_two_things route_path_missing route_path_relative route_methods_empty route_set_empty route_set_scalar
    route_set_field_empty route_clear_false session_missing secrets_missing secrets_empty secrets_scalar secrets_map
    secret_inline secret_both header_not_token header_key_empty header_nothing header_encoding header_all cookie_name
    cookie_name_semicolon cookie_lifetime_word redis_url_missing redis_tls_half redis_scheme redis_two_places redis_sentinel_servers
    redis_sentinel_empty redis_sentinel_master redis_cluster_servers redis_cluster_text redis_password_text redis_replicas
    redis_prefix_empty redis_key
    admin_token_allow_short admin_token_both admin_token_text allow_empty backend_max_requests backend_queue_key
    backend_queue_size backend_tls_ca_empty backend_tls_half backend_tls_half_key backend_tls_key_name
    backend_tls_verify client_certificate_alone client_certificate_word client_subject_alone
    client_subject_not_token error_page_class error_page_half_class error_page_number error_page_range
    error_pages_list handshakes_zero listen_tls_certificates_empty listen_tls_certificates_half
    listen_tls_certificates_text listen_tls_key_name listen_tls_nothing log_access_file_list log_fields_empty
    log_fields_text log_fields_twice log_fields_unknown rate_buckets_zero rate_limit_burst_zero rate_limit_list
    rate_limit_per rate_limit_requests_huge rate_limit_requests_missing rate_limit_requests_zero
    rate_limits_many rate_limits_map redirect_to_https_huge redirect_to_https_quoted redirect_to_https_word
    redirect_to_https_zero response_headers_not_token rewrite_key rewrite_prefix_empty rewrite_prefix_fragment
    rewrite_prefix_query rewrite_prefix_relative rewrite_prefix_root rewrite_prefix_slash rewrite_prefix_star
    rewrite_remove_map rewrite_request_not_token rewrite_value_empty rewrite_value_list rewrite_value_number
    route_limit_key route_timeout_key server_list server_map_url server_url_missing server_weight_huge
    server_weight_key server_weight_zero traceparent_word rate_limit_both""".split():
    if not errors(f"{root}/tests/config/bad/{name}.yaml"):
        print(f"bad/{name}.yaml: the schema sees nothing wrong")
        failed = True

print(f"{len(good)} files checked")
sys.exit(1 if failed or len(good) < 7 else 0)
