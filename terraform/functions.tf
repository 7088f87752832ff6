locals {
  environment = merge(
    local.environment_of_all,
    var.model.preset == null ? {} : { MODEL_PRESET = var.model.preset },
    local.clamd_address == null ? {} : { CLAMD_ADDRESS = local.clamd_address },
    var.cell == null ? {} : { CELL = var.cell, CELLS = jsonencode(local.cells) },
  )

  cells = [for cell in var.cells : merge(cell, { database = try(coalesce(cell.database, "(default)"), "(default)") })]

  # Containers of one instance reach each other as if they were one machine.
  clamd_port    = 3310
  clamd_address = var.scanner_image == null ? var.clamd_address : "127.0.0.1:${local.clamd_port}"
  # Its signatures take some 1.5 GB, twice that while it renews them.
  scanners = var.scanner_image == null ? {} : { "check-file" = { image = var.scanner_image, cpu = 1, memory_mib = 3072 } }

  environment_of_all = {
    GOOGLE_CLOUD_PROJECT = var.project_id
    DATABASE_ID          = var.database_id
    REGION               = local.region
    KMS_KEY              = google_kms_crypto_key.signing_keys.id
    FILES_BUCKET         = google_storage_bucket.files.name
    MODEL_BASE_URL       = var.model.base_url
    MODEL_FAST           = var.model.fast
    MODEL_SLOW           = var.model.slow
    MODELS               = jsonencode(var.models)
    FUNCTIONS_URL        = local.functions_url
    PUBLIC_URL           = local.public_url
    MAIL_FROM            = var.mail_from
    OIDC_ISSUER          = "https://accounts.google.com"
    OIDC_JWKS_URL        = "https://www.googleapis.com/oauth2/v3/certs"
    INVOKER_EMAIL        = google_service_account.invoker.email
    TRACE_ENDPOINT       = "https://telemetry.googleapis.com"
    TRACE_RATIO          = tostring(var.trace_ratio)
    # The load balancer appends the client's address and its own: docs/decisions/0015.
    TRUSTED_PROXIES = "2"
    # Google's clients otherwise ask whether there is a metadata server before their first call.
    METADATA_SERVER_DETECTION = "assume-present"
  }

  # Every function parses the whole configuration at start. A secret that it has no use for is withheld by a
  # value that is well-formed and opens nothing.
  withheld = {
    SCROLLBACK_SECRET = "withheld-from-this-function-which-has-no-use-for-it"
    OPERATOR_KEY      = "withheld-from-this-function"
    MODEL_API_KEY     = "withheld"
    SMTP_URL          = "smtp://withheld.invalid"
  }

  # Google's own, which answers to everything. scripts/rollout-steps.ts knows it too.
  placeholder_image = "us-docker.pkg.dev/cloudrun/container/hello"
}

# Terraform makes the services and owns how they run; scripts/roll-out.ts puts the code into them and owns
# which revision has the traffic. Decision 20 says why they are not made as functions.
resource "google_cloud_run_v2_service" "this" {
  for_each = local.functions

  name                = each.key
  location            = local.region
  description         = "${each.value.entry} (${each.value.trigger})"
  deletion_protection = var.deletion_protection
  # What is public is reached through the load balancer only, or a client could write X-Forwarded-For itself.
  # The others are called by Google's queues at their public address, and only with the invoker's token.
  ingress = try(each.value.public, false) ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL"
  # The API proves its callers itself, by access token, API token or operator key. Organisations that share
  # with nobody outside refuse a grant to allUsers, and not this.
  invoker_iam_disabled = try(each.value.public, false)

  # Of all revisions together, so that a rollout takes no more than what serves without one.
  scaling {
    min_instance_count = lookup(var.min_instances, each.key, 0)
    max_instance_count = local.instances[each.key]
  }

  template {
    service_account                  = google_service_account.function[each.key].email
    timeout                          = "${each.value.timeoutSeconds}s"
    max_instance_request_concurrency = each.value.concurrency

    scaling {
      max_instance_count = local.instances[each.key]
    }

    containers {
      image = local.placeholder_image

      # Of several containers one takes the requests, and has to say so.
      dynamic "ports" {
        for_each = contains(keys(local.scanners), each.key) ? [8080] : []

        content {
          container_port = ports.value
        }
      }

      resources {
        limits = {
          cpu    = tostring(local.cpus[each.key])
          memory = "${each.value.memoryMiB}Mi"
        }

        # Paid for while a request is open.
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(
          local.environment,
          { for name, value in local.withheld : name => value if !contains(local.access[each.key].secrets, name) },
        )

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = toset(local.access[each.key].secrets)

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.this[env.key].secret_id
              version = "latest"
            }
          }
        }
      }
    }

    dynamic "containers" {
      for_each = [for name, scanner in local.scanners : scanner if name == each.key]

      content {
        name  = "clamd"
        image = containers.value.image

        resources {
          limits = {
            cpu    = tostring(containers.value.cpu)
            memory = "${containers.value.memory_mib}Mi"
          }

          cpu_idle = true
        }

        # It reads its signatures for half a minute, and loads them first where the image has none.
        startup_probe {
          period_seconds    = 10
          failure_threshold = 24

          tcp_socket {
            port = local.clamd_port
          }
        }
      }
    }
  }

  # All that a rollout writes. A plan after it shows none of that, and an apply sends back what it has found.
  lifecycle {
    ignore_changes = [
      annotations,
      build_config,
      client,
      client_version,
      template[0].annotations,
      template[0].containers[0].base_image_uri,
      template[0].containers[0].image,
      template[0].containers[0].name,
      template[0].labels,
      template[0].revision,
      traffic,
    ]
  }

  depends_on = [google_project_service.this, time_sleep.grants_known]
}
