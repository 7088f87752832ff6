project_id  = "scrollback-production"
environment = "production"
domain      = "chat.example.com"
mail_from   = "Scrollback <no-reply@example.com>"

# What people wait for starts before they come.
min_instances = {
  api           = 2
  "answer-fast" = 1
}

allowed_origins    = ["https://app.example.com"]
log_retention_days = 90

model = {
  base_url = "https://models.example.com/v1"
  fast     = "small"
  slow     = "large"
}

repository = {
  owner  = "example"
  name   = "scrollback"
  branch = "production"
}

alert_emails  = ["on-call@example.com"]
slack_channel = "scrollback-alerts"

budget = {
  billing_account = "000000-000000-000000"
  currency        = "EUR"
  units           = 2000
}

deploy_approval = true
