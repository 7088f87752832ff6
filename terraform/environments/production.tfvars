project_id  = "scrollback-production"
environment = "production"
domain      = "chat.example.com"
mail_from   = "Scrollback <no-reply@example.com>"

# What people wait for starts before they come.
min_instances = {
  api           = 2
  live          = 1
  "answer-fast" = 1
}

# More than a new project is granted: ask for the quota first.
quota = {
  vcpu       = 200
  memory_gib = 200
}

max_instances = {
  api               = 50
  live              = 10
  "on-chat-changed" = 20
  "notify-members"  = 10
  "index-messages"  = 10
  "answer-fast"     = 20
  "answer-slow"     = 20
  "summarize-chat"  = 5
  "judge-message"   = 5
  "send-scheduled"  = 5
  "send-mail"       = 5
  "fork-chat"       = 3
  "check-file"      = 5
  "shadow-answer"   = 3
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

  app_installation_id = 12345678
}

alert_emails  = ["on-call@example.com"]
slack_channel = "scrollback-alerts"

budget = {
  billing_account = "000000-000000-000000"
  currency        = "EUR"
  units           = 2000
}

deploy_approval = true
