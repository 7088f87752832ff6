locals {
  environment = merge(local.environment_of_all, var.model.preset == null ? {} : { MODEL_PRESET = var.model.preset })

  environment_of_all = {
    GOOGLE_CLOUD_PROJECT = var.project_id
    REGION               = local.region
    KMS_KEY              = google_kms_crypto_key.signing_keys.id
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
}

# The first source; later ones are rolled out by Cloud Build, revision by revision.
data "archive_file" "function" {
  for_each = local.functions

  type        = "zip"
  source_dir  = "${path.module}/../dist/${each.key}"
  output_path = "${path.module}/.sources/${each.key}.zip"
}

resource "google_storage_bucket_object" "source" {
  for_each = local.functions

  bucket = google_storage_bucket.sources.name
  name   = "${each.key}/${data.archive_file.function[each.key].output_sha256}.zip"
  source = data.archive_file.function[each.key].output_path
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.functions

  name        = each.key
  location    = local.region
  description = "${each.value.entry} (${each.value.trigger})"

  build_config {
    runtime           = "nodejs24"
    entry_point       = each.key
    docker_repository = google_artifact_registry_repository.functions.id
    service_account   = google_service_account.build["imager"].id

    source {
      storage_source {
        bucket = google_storage_bucket.sources.name
        object = google_storage_bucket_object.source[each.key].name
      }
    }
  }

  service_config {
    # More than one request at a time needs a whole processor.
    available_cpu                    = "1"
    available_memory                 = "${each.value.memoryMiB}Mi"
    max_instance_request_concurrency = each.value.concurrency
    timeout_seconds                  = each.value.timeoutSeconds
    min_instance_count               = lookup(var.min_instances, each.key, 0)
    max_instance_count               = each.value.maxInstances
    service_account_email            = google_service_account.function[each.key].email
    # What is public is reached through the load balancer only, or a client could write X-Forwarded-For
    # itself. The others are called by Google's queues at their public address, and only with the invoker's
    # token.
    ingress_settings = try(each.value.public, false) ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_ALL"
    # A new revision gets its traffic by steps, from scripts/roll-out.ts.
    all_traffic_on_latest_revision = false

    environment_variables = merge(
      local.environment,
      { for name, value in local.withheld : name => value if !contains(local.access[each.key].secrets, name) },
    )

    dynamic "secret_environment_variables" {
      for_each = toset(local.access[each.key].secrets)

      content {
        project_id = var.project_id
        key        = secret_environment_variables.key
        secret     = google_secret_manager_secret.this[secret_environment_variables.key].secret_id
        version    = "latest"
      }
    }
  }

  lifecycle {
    ignore_changes = [build_config[0].source]
  }

  depends_on = [
    google_secret_manager_secret_iam_member.reader,
    google_project_iam_member.build,
  ]
}
