# Clients reach the API through a global load balancer: docs/decisions/0015 says why it is not Firebase
# Hosting.

resource "google_compute_global_address" "api" {
  name = "scrollback-api"

  depends_on = [google_project_service.this]
}

resource "google_compute_managed_ssl_certificate" "api" {
  name = "scrollback-api-${substr(sha256(var.domain), 0, 8)}"

  managed {
    domains = [var.domain]
  }

  # A load balancer needs a certificate at every moment, so the next is made before this one goes.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.this]
}

locals {
  public = { for name, spec in local.functions : name => spec if try(spec.public, false) }

  # "current" follows the traffic split; "candidate" is the revision that is being rolled out.
  tags = {
    current   = null
    candidate = "candidate"
  }

  backends = merge([
    for name, spec in local.public : { for tag, revision in local.tags : "${name}-${tag}" => { function = name, tag = revision } }
  ]...)
}

resource "google_compute_region_network_endpoint_group" "api" {
  for_each = local.backends

  name                  = "scrollback-${each.key}"
  region                = local.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.this[each.value.function].name
    tag     = each.value.tag
  }
}

# How long a request may take is for the function to say: a load balancer waits an hour for a serverless one.
resource "google_compute_backend_service" "api" {
  for_each = local.backends

  name                  = "scrollback-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.api.id

  backend {
    group = google_compute_region_network_endpoint_group.api[each.key].id
  }

  # The functions write a line for every request; the load balancer's are for what never reaches them.
  log_config {
    enable      = true
    sample_rate = 0.01
  }
}

resource "google_compute_url_map" "api" {
  name            = "scrollback-api"
  default_service = google_compute_backend_service.api["api-current"].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "api"
  }

  # The paths of `live` stand in functions/manifest.json; everything else is the API's. The header is how the
  # smoke test reaches a revision that has no traffic yet.
  path_matcher {
    name            = "api"
    default_service = google_compute_backend_service.api["api-current"].id

    route_rules {
      priority = 1
      service  = google_compute_backend_service.api["live-candidate"].id

      dynamic "match_rules" {
        for_each = local.functions["live"].paths

        content {
          path_template_match = match_rules.value

          header_matches {
            header_name = "x-scrollback-revision"
            exact_match = "candidate"
          }
        }
      }
    }

    route_rules {
      priority = 2
      service  = google_compute_backend_service.api["api-candidate"].id

      match_rules {
        prefix_match = "/"

        header_matches {
          header_name = "x-scrollback-revision"
          exact_match = "candidate"
        }
      }
    }

    route_rules {
      priority = 3
      service  = google_compute_backend_service.api["live-current"].id

      dynamic "match_rules" {
        for_each = local.functions["live"].paths

        content {
          path_template_match = match_rules.value
        }
      }
    }
  }
}

resource "google_compute_target_https_proxy" "api" {
  name             = "scrollback-api"
  url_map          = google_compute_url_map.api.id
  ssl_certificates = [google_compute_managed_ssl_certificate.api.id]
  ssl_policy       = google_compute_ssl_policy.api.id
}

resource "google_compute_ssl_policy" "api" {
  name            = "scrollback-api"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.this]
}

# Nothing listens on port 80: a redirect would hide that a client sends its tokens in the clear (ASVS 4.1.2).
resource "google_compute_global_forwarding_rule" "https" {
  name                  = "scrollback-api-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.api.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.api.id
}
