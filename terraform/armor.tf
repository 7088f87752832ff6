# What is refused before it reaches an instance. The API keeps exact limits itself
# (shared/identity/quotas.ts); these keep floods from costing instances. Expressions have at most five
# subexpressions, and only operations that Google's reference documents:
# https://cloud.google.com/armor/docs/rules-language-reference

resource "google_compute_security_policy" "api" {
  name        = "scrollback-api"
  description = "Before every backend service: size, known scanners, rates by address."

  rule {
    priority    = 100
    action      = "deny(413)"
    description = "Announced bodies of two megabytes and more; the API takes one."

    match {
      expr {
        expression = "has(request.headers['content-length']) && request.headers['content-length'].matches('^([2-9][0-9]{6}|[0-9]{8,})$')"
      }
    }
  }

  rule {
    priority    = 200
    action      = "deny(403)"
    description = "Scanners that say what they are."

    match {
      expr {
        expression = "has(request.headers['user-agent']) && request.headers['user-agent'].lower().matches('(sqlmap|nikto|nuclei|masscan|zgrab|wpscan|dirbuster|gobuster)')"
      }
    }
  }

  rule {
    priority    = 300
    action      = "deny(404)"
    description = "What scanners ask for and nothing here has."

    match {
      expr {
        expression = "request.path.lower().matches('(\\\\.php|\\\\.env|\\\\.git/|/wp-|/cgi-bin/)')"
      }
    }
  }

  rule {
    priority    = 400
    action      = "throttle"
    description = "Signing in, by address."

    match {
      expr {
        expression = "request.path.matches('^/v1/apps/[^/]+/auth/')"
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.armor.sign_ins_per_minute
        interval_sec = 60
      }
    }
  }

  rule {
    priority    = 2147483647
    action      = "throttle"
    description = "Everything else, by address: many honest people may share one."

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.armor.requests_per_minute
        interval_sec = 60
      }
    }
  }

  depends_on = [google_project_service.this]
}
