use super::check;

const ROWS: &str = "
    static Account saved(String name) {
        Account a = new Account(Name = name, Phone = '1', Total__c = 1.234);
        insert a;
        return a;
    }
    static List<String> ids(List<Account> rows) { List<String> out = new List<String>(); for (Account a : rows) { out.add(a.Id); } return out; }
";

#[test]
fn sobjects_hold_fields() {
    check(
        ROWS,
        &[
            ("Account a = new Account(name = 'x'); return a.NAME;", "x"),
            ("new Account().Phone", "null"),
            (
                "Account a = saved('x'); Account q = [SELECT Id, Name FROM Account WHERE Id = :a.Id]; return q.Phone;",
                "!! System.SObjectException: SObject row was retrieved via SOQL without querying the requested field: Account.Phone",
            ),
            (
                "Account a = saved('x'); return [SELECT Name FROM Account][0].get('Phone');",
                "!! System.SObjectException: SObject row was retrieved via SOQL without querying the requested field: Account.Phone",
            ),
            ("new Account().get('Nope')", "!! System.SObjectException: Invalid field Nope for Account"),
            (
                "Account a = new Account(); a.put('Total__c', 'x'); return a;",
                "!! System.SObjectException: Illegal assignment from String to Decimal",
            ),
            ("Account a = new Account(Phone = '1'); return a.put('phone', '2') + ' ' + a.Phone;", "1 2"),
            ("Account a = new Account(Phone = null); return a.isSet('Phone') + ' ' + a.isSet('Name');", "true false"),
            ("new Account(Phone = null, Name = 'x').getPopulatedFieldsAsMap().keySet()", "{Phone, Name}"),
            ("new Account(Name = 'x') == new Account(Name = 'X')", "true"),
            ("Account a = saved('x'); return a.clone().Id;", "null"),
            ("Account a = saved('x'); return a.clone(true).Id == a.Id;", "true"),
            ("Account a = saved('x'); return a.getSObjectType() == Account.SObjectType;", "true"),
            (
                "Account.SObjectType.getDescribe().getKeyPrefix() + Schema.SObjectType.Account.getName() + Account.Phone",
                "001AccountPhone",
            ),
            ("Schema.SObjectType.Account.fields.Phone.getLength()", "255"),
            ("new Payment__c().Account__r.Name", "null"),
            (
                "Account p = new Payment__c().Account__r; return p.Name;",
                "!! System.NullPointerException: Attempt to de-reference a null object",
            ),
            ("new Payment__c(Account__r = new Account(Name = 'p')).Account__r.Name", "p"),
            ("Payment__c p = new Payment__c(Amount__c = 5); return p.Amount__c / 2;", "2.5"),
            (
                "Account a = new Account(); a.addError('bad'); a.Phone.addError('worse'); return a.getErrors().size() + a.getErrors()[1].getFields()[0];",
                "2Phone",
            ),
            (
                "Account a = new Account(Name = 'x'); a.put('Number__c', 1); return a;",
                "!! System.SObjectException: Invalid field Number__c for Account",
            ),
            (
                "Payment__c p = new Payment__c(); p.put('Number__c', '1'); return p;",
                "!! System.SObjectException: Field Number__c is not editable",
            ),
        ],
    );
}

#[test]
fn queries_bind_and_unwrap() {
    check(
        ROWS,
        &[
            (
                "Account a = [SELECT Id FROM Account]; return a;",
                "!! System.QueryException: List has no rows for assignment to SObject",
            ),
            (
                "saved('a'); saved('b'); Account a = [SELECT Id FROM Account]; return a;",
                "!! System.QueryException: List has more than 1 row for assignment to SObject",
            ),
            ("saved('a'); return [SELECT Name FROM Account].Name;", "a"),
            ("[SELECT Name FROM Account]?.Name", "null"),
            ("Account a = [SELECT Name FROM Account] ?? new Account(Name = 'default'); return a.Name;", "default"),
            ("saved('a'); saved('b'); Integer n = [SELECT COUNT() FROM Account]; return n;", "2"),
            ("saved('a'); return [SELECT Name FROM Account].size();", "1"),
            (
                "saved('a'); saved('b'); String s = ''; for (Account a : [SELECT Name FROM Account]) { s += a.Name; } return s;",
                "ab",
            ),
            (
                "saved('a'); saved('b'); for (List<Account> l : [SELECT Name FROM Account]) { return l.size(); } return 0;",
                "2",
            ),
            (
                "saved('a'); saved('b'); Set<String> names = new Set<String>{ 'b' }; return [SELECT Name FROM Account WHERE Name IN :names].Name;",
                "b",
            ),
            (
                "saved('a'); saved('b'); List<Account> all = [SELECT Name FROM Account]; return [SELECT Name FROM Account WHERE Id IN :all].size();",
                "2",
            ),
            (
                "saved('a'); String n = 'a'; return ((List<Account>) Database.query('SELECT Name FROM Account WHERE Name = :n'))[0].Name;",
                "a",
            ),
            (
                "String f = 'x'; return Database.query('SELECT Name FROM Account WHERE Name = :gone');",
                "!! System.QueryException: Variable does not exist: gone",
            ),
            (
                "saved('a'); return Database.queryWithBinds('SELECT Name FROM Account WHERE Name = :N', new Map<String, Object>{ 'n' => 'a' }, AccessLevel.USER_MODE).size();",
                "1",
            ),
            (
                "AggregateResult r = [SELECT COUNT(Id) many, SUM(Amount__c) FROM Payment__c]; return r.get('many') + ' ' + r.get('expr0');",
                "0 1.50",
            ),
            (
                "AggregateResult r = [SELECT COUNT(Id) many FROM Payment__c]; return r.get('foo');",
                "!! System.SObjectException: Invalid field foo for AggregateResult",
            ),
            (
                "Account a = saved('p'); insert new Payment__c(Account__c = a.Id); return [SELECT Account__r.Name FROM Payment__c].Account__r.Name;",
                "p",
            ),
            ("insert new Payment__c(); return [SELECT Account__r.Name FROM Payment__c].Account__r?.Name;", "null"),
            (
                "Integer before = Limits.getQueries(); saved('a'); List<Account> l = [SELECT Id FROM Account WITH USER_MODE]; return Limits.getQueries() - before;",
                "1",
            ),
        ],
    );
}

#[test]
fn dml_writes_ids_back_and_reports_rows() {
    check(
        ROWS,
        &[
            ("Account a = new Account(Name = 'x'); insert a; return a.Id != null;", "true"),
            (
                "List<Account> l = new List<Account>{ new Account(), new Account() }; insert l; return ids(l);",
                "(001000000000001AAA, 001000000000002AAA)",
            ),
            (
                "Account a = saved('x'); update new Account(Id = a.Id, Phone = '2'); Account q = [SELECT Name, Phone FROM Account]; return q.Name + q.Phone;",
                "x2",
            ),
            ("Account a = saved('x'); delete a; return [SELECT COUNT() FROM Account];", "0"),
            (
                "Account a = new Account(); insert new List<Account>{ a, a }; return 1;",
                "!! System.ListException: Before Insert or Upsert list must not have two identically equal elements",
            ),
            (
                "Account a = saved('x'); update new List<Account>{ a, a }; return 1;",
                "!! System.ListException: Duplicate id in list: 001000000000001AAA",
            ),
            (
                "List<Account> l; insert l; return 1;",
                "!! System.NullPointerException: Attempt to de-reference a null object",
            ),
            ("insert new List<Account>(); return Limits.getDmlStatements();", "0"),
            (
                "List<Database.SaveResult> r = Database.insert(new List<Account>{ new Account() }, false); return r[0].isSuccess() + ' ' + r.size();",
                "true 1",
            ),
            (
                "Database.SaveResult r = Database.insert(new Account(), AccessLevel.USER_MODE); return r.getId();",
                "001000000000001AAA",
            ),
            (
                "Savepoint p = Database.setSavepoint(); Account a = saved('x'); Database.rollback(p); return [SELECT COUNT() FROM Account] + ' ' + (a.Id != null);",
                "0 true",
            ),
            ("Account a = saved('x'); Database.delete(a.Id); return [SELECT COUNT() FROM Account];", "0"),
            (
                "Account a = new Account(Total__c = 1.234); insert a; return [SELECT Total__c FROM Account].Total__c;",
                "1.234",
            ),
            ("EventBus.publish(new Notice__e(Text__c = 'x')).isSuccess()", "true"),
            ("EventBus.publish(new List<Notice__e>()).size()", "0"),
            ("EventBus.publish(new Account())", "!! System.UnexpectedException: Account is not a platform event"),
        ],
    );
}
